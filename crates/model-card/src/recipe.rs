//! How the model was made.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::markdown::{code, escaped, table};

/// The recipe of the training.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// Version of atelier.
    pub version: String,
    /// Class of the device: `cpu`, `metal` or `cuda`.
    pub device: String,
    /// The root of all randomness.
    pub seed: Value,
    /// Pretrained weights; `None` if the network started from random numbers.
    pub weights: Option<Weights>,
    /// Parameters by table and name, as in `params.toml`.
    pub settings: BTreeMap<String, Value>,
}

/// A file of pretrained weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weights {
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
    /// Name, publisher, training and license of the catalog's entry with this SHA-256.
    pub known_as: Option<[String; 4]>,
}

impl Weights {
    /// The weights with this SHA-256, with their entry in the `catalog` (`weights.toml`).
    ///
    /// # Errors
    /// The catalog is no TOML.
    pub fn of(sha256: String, catalog: &str) -> Result<Self, toml_edit::TomlError> {
        let catalog: toml_edit::DocumentMut = catalog.parse()?;
        let entry = catalog.iter().find(|(_, entry)| {
            let begin = entry.get("sha256").and_then(toml_edit::Item::as_str);
            begin.is_some_and(|begin| {
                !begin.is_empty() && sha256.starts_with(&begin.to_ascii_lowercase())
            })
        });
        let known_as = entry.map(|(name, entry)| {
            let text = |key| {
                entry
                    .get(key)
                    .and_then(toml_edit::Item::as_str)
                    .unwrap_or("not stated")
            };
            [name, text("publisher"), text("training"), text("license")].map(str::to_owned)
        });
        Ok(Self { sha256, known_as })
    }

    fn text(&self) -> String {
        let sha256 = format!("SHA-256 `{}`", self.sha256);
        match &self.known_as {
            Some([name, publisher, training, license]) => format!(
                "{} of {} ({}; license of the weights: {}), {sha256}",
                code(name),
                escaped(publisher),
                escaped(training),
                escaped(license)
            ),
            None => format!("a file that is in no catalog, {sha256}"),
        }
    }
}

impl Recipe {
    /// Adds the parameters of a table of `params.toml`, and of the tables in it.
    pub fn add(&mut self, table: &str, params: &Map<String, Value>) {
        for (name, value) in params {
            let name = format!("{table}.{name}");
            match value {
                Value::Object(params) => self.add(&name, params),
                value => {
                    self.settings.insert(name, value.clone());
                }
            }
        }
    }

    /// Section of the card about a network of the layers `backbone` before its embedding.
    pub(crate) fn section(&self, backbone: &str) -> String {
        let weights = match &self.weights {
            Some(weights) => weights.text(),
            None => "none: the network started from random numbers".to_owned(),
        };
        let rows: Vec<Vec<String>> = { self.settings.iter() }
            .map(|(name, value)| vec![code(name), code(&value.to_string())])
            .collect();
        format!(
            "## Recipe\n\n- Architecture: {backbone} → embedding → ReLU → logits\n- Pretrained weights: \
             {weights}\n- Seed: {}\n- Device: {}\n- Made by: atelier {}\n\n{}",
            code(&self.seed.to_string()),
            escaped(&self.device),
            escaped(&self.version),
            table(&["setting", "value"], 2, &rows)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CATALOG: &str = r#"
        [resnet18]
        publisher = "torchvision"
        sha256 = "F37072FD"
        license = "BSD-3-Clause"

        [other]
        publisher = "somebody"
    "#;

    #[test]
    fn weights_of_the_catalog_are_found_by_their_sha256() {
        let weights = Weights::of("f37072fd00".to_owned(), CATALOG).unwrap();
        let expected = ["resnet18", "torchvision", "not stated", "BSD-3-Clause"];
        assert_eq!(weights.known_as, Some(expected.map(str::to_owned)));
        let weights = Weights::of("00f37072fd".to_owned(), CATALOG).unwrap();
        assert_eq!(weights.known_as, None);
    }

    #[test]
    fn settings_are_named_as_in_params() {
        let mut recipe = Recipe {
            version: "1".to_owned(),
            device: "cpu".to_owned(),
            seed: 7.into(),
            weights: None,
            settings: BTreeMap::new(),
        };
        let params = serde_json::json!({ "lr": 1e-4, "augmentation": { "flip": true } });
        recipe.add("train", params.as_object().unwrap());
        let names: Vec<&str> = recipe.settings.keys().map(String::as_str).collect();
        assert_eq!(names, ["train.augmentation.flip", "train.lr"]);
    }
}
