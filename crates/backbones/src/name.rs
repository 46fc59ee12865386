//! Names of pretrained networks.

use std::fmt;

use serde::Deserialize;

use crate::{Architecture, BackboneError};

/// Weights trained with another normalization: the architecture, and the start of the part behind the point (timm
/// 1.0.31).
const OTHER_NORMALIZATION: [(&str, &str); 2] = [
    ("convnext_base", "clip_"),
    ("mobilenetv4_conv_small", "e3600_"),
];

/// A pretrained network by timm's name: its architecture and, optionally, behind a point its training data, as in `convnext_tiny` or `convnext_tiny.fb_in22k`.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Name {
    text: String,
    architecture: Architecture,
}

impl Name {
    /// The architecture.
    #[must_use]
    pub fn architecture(&self) -> Architecture {
        self.architecture
    }

    /// The whole name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Side of the images that the network reads in a study that evaluates images of `side_px`: the only one that it
    /// supports, or that of the study.
    ///
    /// # Errors
    /// The only one is larger than that of the study.
    pub fn side_px(&self, side_px: u32) -> Result<u32, BackboneError> {
        match self.architecture.side_px() {
            Some(expected) if expected > side_px => Err(BackboneError::Side {
                name: self.text.clone(),
                expected,
                found: side_px,
            }),
            Some(only) => Ok(only),
            None => Ok(side_px),
        }
    }
}

impl TryFrom<String> for Name {
    type Error = BackboneError;

    fn try_from(text: String) -> Result<Self, BackboneError> {
        let (name, trained) = text.split_once('.').unwrap_or((&text, ""));
        let is_other = |(architecture, begin): (&str, &str)| {
            architecture == name && trained.starts_with(begin)
        };
        if OTHER_NORMALIZATION.into_iter().any(is_other) {
            return Err(BackboneError::Normalization(text));
        }
        let found = Architecture::all().find(|architecture| architecture.name() == name);
        match found {
            Some(architecture) => Ok(Self { text, architecture }),
            None => Err(unknown(name)),
        }
    }
}

fn unknown(name: &str) -> BackboneError {
    let names: Vec<&'static str> = Architecture::all().map(Architecture::name).collect();
    BackboneError::Unknown {
        name: name.to_owned(),
        nearest: nearest_name::nearest(name, names.iter().copied()).unwrap_or_default(),
        known: names.join(", "),
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn name(text: &str) -> Result<Name, BackboneError> {
        Name::try_from(text.to_owned())
    }

    #[test]
    fn the_training_data_is_optional() {
        for text in ["convnext_tiny", "convnext_tiny.fb_in22k"] {
            let name = name(text).unwrap();
            assert_eq!(name.architecture().name(), "convnext_tiny");
            assert_eq!(name.to_string(), text);
        }
    }

    #[test]
    fn names_are_distinct() {
        let names: Vec<&str> = Architecture::all().map(Architecture::name).collect();
        let distinct: BTreeSet<&str> = names.iter().copied().collect();
        assert_eq!(distinct.len(), names.len());
    }

    #[test]
    fn the_nearest_name_is_suggested() {
        let error = name("convnxt_tiny.fb_in1k").unwrap_err().to_string();
        let expected = "`convnxt_tiny` is no backbone; did you mean `convnext_tiny`? There are convnext_atto, ";
        assert!(error.starts_with(expected), "{error}");
    }

    #[test]
    fn weights_of_another_normalization_are_refused() {
        let error = name("convnext_base.clip_laion2b").unwrap_err().to_string();
        assert!(error.contains("another mean and deviation"), "{error}");
        assert!(name("mobilenetv4_conv_small.e3600_r256_in1k").is_err());
        assert!(name("mobilenetv4_conv_small.e2400_r224_in1k").is_ok());
    }

    #[test]
    fn hiera_supports_one_side() {
        let hiera = name("hiera_tiny_224").unwrap();
        assert_eq!(hiera.side_px(224).unwrap(), 224);
        assert_eq!(hiera.side_px(256).unwrap(), 224);
        assert_eq!(
            hiera.side_px(48).unwrap_err().to_string(),
            "`hiera_tiny_224` takes images of 224 px a side alone, and those of this study have 48: set `evaluation.side_px` \
             to 224 or more"
        );
        assert_eq!(name("convnext_atto").unwrap().side_px(48).unwrap(), 48);
    }
}
