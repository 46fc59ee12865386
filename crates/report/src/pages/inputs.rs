//! Inputs of the stage, by the sections that declare them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::LazyLock;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};
use serde::{Deserialize, de};
use stage::InputPath;

use crate::page::section::Entry;
use crate::page::tables::{Declared, Reading, Tables};
use crate::sections::SECTIONS;

/// Inputs that no section reads: the folder of the images, decoded images, pretrained weights, the selected network, and
/// the times of the trainings.
const FILES: [&str; 5] = ["images", "pixels", "weights", "model", "timings"];

/// Names of all inputs.
static NAMES: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let tables = declared(SECTIONS).into_iter().map(|input| input.name);
    FILES.into_iter().chain(tables).collect()
});

/// Inputs of the report's stage: files of its own, and each table that a section declares.
#[derive(Debug)]
pub struct Inputs {
    /// The folder of the images.
    pub images: InputPath,
    /// The file of decoded images.
    pub pixels: InputPath,
    /// Pretrained weights; none if the networks started from random numbers.
    pub weights: Option<InputPath>,
    /// The selected network.
    pub model: InputPath,
    /// Tables `timings` of the trainings, on which the page doesn't depend.
    pub timings: Vec<PathBuf>,
    /// The tables.
    pub tables: Tables,
}

/// Inputs of `sections`, each once, in the order in which they are declared first.
fn declared(sections: &[Entry]) -> Vec<Declared> {
    let mut inputs: Vec<Declared> = Vec::new();
    for input in sections.iter().flat_map(|entry| entry.inputs) {
        if !inputs.iter().any(|known| known.name == input.name) {
            inputs.push(*input);
        }
    }
    inputs
}

impl<'de> Deserialize<'de> for Inputs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_struct("Inputs", &NAMES, InputsVisitor)
    }
}

struct InputsVisitor;

impl<'de> Visitor<'de> for InputsVisitor {
    type Value = Inputs;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("inputs by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Inputs, A::Error> {
        let inputs = declared(SECTIONS);
        let (mut images, mut pixels, mut weights, mut model, mut timings) =
            (None, None, None, None, None);
        let mut files = BTreeMap::new();
        while let Some(Name(name)) = map.next_key()? {
            match (inputs.iter().find(|input| input.name == name), name) {
                (Some(input), _) => drop(files.insert(name, map.next_value_seed(input.reading)?)),
                (None, "pixels") => pixels = Some(map.next_value()?),
                (None, "weights") => weights = Some(map.next_value()?),
                (None, "model") => model = Some(map.next_value()?),
                (None, "timings") => timings = Some(map.next_value()?),
                (None, _) => images = Some(map.next_value()?),
            }
        }
        if let Some(missing) = inputs.iter().find(|input| !files.contains_key(input.name)) {
            return Err(A::Error::missing_field(missing.name));
        }
        let [of_images, of_pixels, of_weights, of_model, of_timings] =
            FILES.map(A::Error::missing_field);
        Ok(Inputs {
            images: images.ok_or(of_images)?,
            pixels: pixels.ok_or(of_pixels)?,
            weights: weights.ok_or(of_weights)?,
            model: model.ok_or(of_model)?,
            timings: timings.ok_or(of_timings)?,
            tables: Tables::new(files),
        })
    }
}

/// Name of an input.
struct Name(&'static str);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let found = String::deserialize(deserializer)?;
        let known = NAMES.iter().find(|name| **name == found);
        known
            .map(|name| Self(name))
            .ok_or_else(|| de::Error::unknown_field(&found, &NAMES))
    }
}

/// Paths of an input's files.
impl<'de> DeserializeSeed<'de> for Reading {
    type Value = Vec<PathBuf>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<PathBuf>, D::Error> {
        match self {
            Self::Whole | Self::LastGroup => Ok(vec![PathBuf::deserialize(deserializer)?]),
            Self::Several => Vec::deserialize(deserializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use table_leakage::SplitLeakage;
    use table_problems::Problem;

    use super::*;
    use crate::ReportError;
    use crate::page::section::{Content, Context, Section};
    use crate::page::tables::{Rows, reads};

    reads! {
        struct First {
            problems: Rows<Problem>,
        }
    }

    reads! {
        struct Second {
            leakage: Rows<SplitLeakage>,
            problems: Rows<Problem>,
        }
    }

    impl Section for First {
        fn draw(&self, _: &Context<'_>) -> Result<Option<Content>, ReportError> {
            assert!(self.problems.is_empty());
            Ok(None)
        }
    }

    impl Section for Second {
        fn draw(&self, _: &Context<'_>) -> Result<Option<Content>, ReportError> {
            assert!(self.leakage.is_empty() && self.problems.is_empty());
            Ok(None)
        }
    }

    /// Inputs of a job with a file for each name.
    fn job() -> Value {
        let files = declared(SECTIONS).into_iter().map(|input| {
            let path = format!("artifacts/{}.parquet", input.name);
            let files = match input.reading {
                Reading::Several => json!([path]),
                Reading::Whole | Reading::LastGroup => json!(path),
            };
            (input.name.to_owned(), files)
        });
        let paths =
            ["images", "pixels", "weights", "model"].map(|name| (name.to_owned(), json!(name)));
        let timings = ("timings".to_owned(), json!(["timings.parquet"]));
        Value::Object(files.chain(paths).chain([timings]).collect())
    }

    fn error(job: Value) -> String {
        serde_json::from_value::<Inputs>(job)
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn a_table_is_an_input_once_a_section_declares_it() {
        let names = |sections: &[Entry]| -> Vec<&str> {
            let inputs = declared(sections).into_iter();
            inputs.map(|input| input.name).collect()
        };
        assert_eq!(names(&[Entry::of::<First>()]), ["problems"]);
        let both = [Entry::of::<First>(), Entry::of::<Second>()];
        assert_eq!(names(&both), ["problems", "leakage"]);
    }

    #[test]
    fn sections_that_share_an_input_read_it_alike() {
        for input in SECTIONS.iter().flat_map(|entry| entry.inputs) {
            assert!(declared(SECTIONS).contains(input), "{input:?}");
        }
    }

    #[test]
    fn every_declared_input_is_expected() {
        let inputs: Inputs = serde_json::from_value(job()).unwrap();
        assert_eq!(&*inputs.images, std::path::Path::new("images"));
        let mut unknown = job();
        unknown["score"] = json!("artifacts/score.parquet");
        let error_of_unknown = error(unknown);
        assert!(
            error_of_unknown.starts_with("unknown field `score`, expected one of `images`, "),
            "{error_of_unknown}"
        );
        assert!(error_of_unknown.contains("`scores`"), "{error_of_unknown}");
        for name in NAMES.iter() {
            let mut missing = job();
            missing.as_object_mut().unwrap().remove(*name);
            assert_eq!(error(missing), format!("missing field `{name}`"));
        }
    }

    #[test]
    fn a_study_from_random_weights_has_no_file_of_weights() {
        let mut random = job();
        random["weights"] = Value::Null;
        let inputs: Inputs = serde_json::from_value(random).unwrap();
        assert!(inputs.weights.is_none());
    }

    #[test]
    fn paths_are_those_that_the_declaration_says() {
        let mut several = job();
        several["scores"] = json!(["a.parquet", "b.parquet"]);
        assert!(error(several).starts_with("invalid type: sequence, expected path"));
        let mut one = job();
        one["histories"] = json!("a.parquet");
        assert!(error(one).starts_with("invalid type: string"));
        let mut none = job();
        none["scores"] = Value::Null;
        assert!(error(none).starts_with("invalid type: null, expected path"));
    }
}
