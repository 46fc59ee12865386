//! Deserialization of JSON values with an error that keeps its fields: the place, the unknown or missing name, the valid
//! ones. Values are accepted and refused as `serde_json` does, with the same reasons.

use std::slice;

use serde::de::{
    Deserialize, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error as _, Expected,
    IntoDeserializer, MapAccess, SeqAccess, Unexpected, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::{Map, Value, map};

use crate::fault::{Fault, Part};
use crate::refusal::Refusal;

/// `value`, a part of a job, as a `T`.
pub(crate) fn read<T: DeserializeOwned>(part: Part, value: &Value) -> Result<T, Fault> {
    T::deserialize(Reader(value)).map_err(|refusal| refusal.fault(part))
}

/// Reads a value.
#[derive(Clone, Copy)]
struct Reader<'a>(&'a Value);

impl Reader<'_> {
    fn found(&self) -> Unexpected<'_> {
        match self.0 {
            Value::Null => Unexpected::Unit,
            Value::Bool(value) => Unexpected::Bool(*value),
            Value::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(value), _) => Unexpected::Unsigned(value),
                (None, Some(value)) => Unexpected::Signed(value),
                (None, None) => Unexpected::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            Value::String(text) => Unexpected::Str(text),
            Value::Array(_) => Unexpected::Seq,
            Value::Object(_) => Unexpected::Map,
        }
    }

    fn invalid_type(&self, expected: &dyn Expected) -> Refusal {
        Refusal::invalid_type(self.found(), expected)
    }
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = Refusal;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(_) => match self.found() {
                Unexpected::Unsigned(value) => visitor.visit_u64(value),
                Unexpected::Signed(value) => visitor.visit_i64(value),
                Unexpected::Float(value) => visitor.visit_f64(value),
                _ => Err(self.invalid_type(&visitor)),
            },
            Value::String(text) => visitor.visit_str(text),
            Value::Array(items) => visit_items(items, visitor),
            Value::Object(fields) => visit_fields(fields, visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        match self.0 {
            Value::String(name) => visitor.visit_enum(Variant {
                name,
                content: None,
            }),
            Value::Object(fields) => {
                let mut fields = fields.iter();
                match (fields.next(), fields.next()) {
                    (Some((name, content)), None) => visitor.visit_enum(Variant {
                        name,
                        content: Some(content),
                    }),
                    _ => Err(Refusal::invalid_value(
                        Unexpected::Map,
                        &"map with a single key",
                    )),
                }
            }
            _ => Err(self.invalid_type(&"string or map")),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

fn visit_items<'de, V: Visitor<'de>>(items: &[Value], visitor: V) -> Result<V::Value, Refusal> {
    let mut left = Items {
        items: items.iter(),
        index: 0,
    };
    let value = visitor.visit_seq(&mut left)?;
    match left.items.len() {
        0 => Ok(value),
        _ => Err(Refusal::invalid_length(
            items.len(),
            &"fewer elements in array",
        )),
    }
}

fn visit_fields<'de, V: Visitor<'de>>(
    fields: &Map<String, Value>,
    visitor: V,
) -> Result<V::Value, Refusal> {
    let mut left = Fields {
        fields: fields.iter(),
        current: None,
    };
    let value = visitor.visit_map(&mut left)?;
    match left.fields.len() {
        0 => Ok(value),
        _ => Err(Refusal::invalid_length(
            fields.len(),
            &"fewer elements in map",
        )),
    }
}

/// Items of an array that are still to be read.
struct Items<'a> {
    items: slice::Iter<'a, Value>,
    index: usize,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Refusal;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Refusal> {
        let Some(item) = self.items.next() else {
            return Ok(None);
        };
        let index = self.index;
        self.index += 1;
        let value = seed.deserialize(Reader(item));
        value
            .map(Some)
            .map_err(|refusal| refusal.below(&format!("[{index}]")))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

/// Fields of an object that are still to be read.
struct Fields<'a> {
    fields: map::Iter<'a>,
    /// The field whose name was read last.
    current: Option<(&'a String, &'a Value)>,
}

impl<'de> MapAccess<'de> for Fields<'_> {
    type Error = Refusal;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Refusal> {
        self.current = self.fields.next();
        let Some((name, _)) = self.current else {
            return Ok(None);
        };
        let key = seed.deserialize(Reader(&Value::from(name.as_str())));
        key.map(Some).map_err(|refusal| refusal.at_key(name))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Refusal> {
        let Some((name, value)) = self.current.take() else {
            return Err(Refusal::custom("value is missing"));
        };
        let value = seed.deserialize(Reader(value));
        value.map_err(|refusal| refusal.below(name))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.fields.len())
    }
}

/// A variant of an enum, with its content if it has one.
struct Variant<'a> {
    name: &'a str,
    content: Option<&'a Value>,
}

impl Variant<'_> {
    /// Reads the content, which `expected` describes.
    fn read<T>(
        &self,
        expected: &'static str,
        read: impl FnOnce(Reader<'_>) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        match self.content {
            Some(content) => read(Reader(content)).map_err(|refusal| refusal.below(self.name)),
            None => Err(Refusal::invalid_type(Unexpected::UnitVariant, &expected)),
        }
    }
}

impl<'de> EnumAccess<'de> for Variant<'_> {
    type Error = Refusal;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Refusal> {
        let name = seed.deserialize(self.name.into_deserializer())?;
        Ok((name, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_> {
    type Error = Refusal;

    fn unit_variant(self) -> Result<(), Refusal> {
        match self.content {
            Some(_) => self.read("unit variant", |content| <()>::deserialize(content)),
            None => Ok(()),
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Refusal> {
        self.read("newtype variant", |content| seed.deserialize(content))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Refusal> {
        let expected = "tuple variant";
        self.read(expected, |content| match content.0 {
            Value::Array(items) => visit_items(items, visitor),
            _ => Err(content.invalid_type(&expected)),
        })
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        let expected = "struct variant";
        self.read(expected, |content| match content.0 {
            Value::Object(fields) => visit_fields(fields, visitor),
            _ => Err(content.invalid_type(&expected)),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fmt::Debug;

    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Params {
        epochs: u32,
        #[serde(default)]
        rates: Vec<f64>,
        #[serde(default)]
        range: Option<(u8, u8)>,
        #[serde(default)]
        loss: Option<Loss>,
        #[serde(default)]
        named: BTreeMap<Word, Adam>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Adam {
        beta: f32,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Loss {
        CrossEntropy,
        Margin(f64),
        Pair(u8, u8),
        Focal { gamma: f64 },
    }

    #[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
    #[serde(try_from = "String")]
    struct Word(String);

    impl TryFrom<String> for Word {
        type Error = String;

        fn try_from(text: String) -> Result<Self, String> {
            let is_word = !text.contains(' ');
            is_word.then_some(Self(text)).ok_or("two words".to_owned())
        }
    }

    fn fault(value: &Value) -> Fault {
        read::<Params>(Part::Parameter, value).unwrap_err()
    }

    #[test]
    fn faults_name_the_key() {
        let message = |value: Value| fault(&value).to_string();
        assert_eq!(
            message(json!({ "epochs": "ten" })),
            "cannot use parameter `epochs`: invalid type: string \"ten\", expected u32"
        );
        assert_eq!(
            message(json!({ "epoch": 1 })),
            "cannot use parameter `epoch`: unknown field `epoch`, expected one of `epochs`, `rates`, `range`, `loss`, \
             `named`"
        );
        assert_eq!(
            message(json!({})),
            "cannot use the parameters: missing field `epochs`"
        );
        assert_eq!(
            message(json!({ "epochs": 1, "rates": [1, "x"] })),
            "cannot use parameter `rates[1]`: invalid type: string \"x\", expected f64"
        );
        assert_eq!(
            message(json!({ "epochs": 1, "named": { "a": {} } })),
            "cannot use parameter `named.a`: missing field `beta`"
        );
        assert_eq!(
            message(json!({ "epochs": 1, "named": { "a b": {} } })),
            "cannot use parameter `named.a b`: two words"
        );
        assert_eq!(
            message(json!({ "epochs": 1, "loss": { "focal": { "gamma": null } } })),
            "cannot use parameter `loss.focal.gamma`: invalid type: null, expected f64"
        );
    }

    #[test]
    fn faults_have_fields() {
        let part = Part::Parameter;
        let value = json!({ "epochs": 1, "named": { "a": { "beta": 0.5, "gamma": 1 } } });
        assert_eq!(
            fault(&value),
            Fault::Unknown {
                part,
                key: "named.a.gamma".to_owned(),
                expected: vec!["beta".to_owned()],
            }
        );
        let value = json!({ "epochs": 1, "named": { "a": {} } });
        assert_eq!(
            fault(&value),
            Fault::Missing {
                part,
                key: "named.a.beta".to_owned(),
            }
        );
        assert_eq!(
            fault(&json!(3)),
            Fault::Unusable {
                part,
                key: None,
                reason: "invalid type: integer `3`, expected struct Params".to_owned(),
            }
        );
    }

    /// Accepts and refuses as `serde_json` does.
    fn check<T: DeserializeOwned + Debug + PartialEq>(values: &[Value]) {
        for value in values {
            let expected = serde_json::from_value::<T>(value.clone());
            let expected = expected.map_err(|error| error.to_string());
            let found = read::<T>(Part::Input, value).map_err(|fault| fault.reason());
            assert_eq!(found, expected, "{value}");
        }
    }

    #[test]
    fn values_are_read_as_by_serde_json() {
        let values = [
            json!(null),
            json!(true),
            json!(3),
            json!(-3),
            json!(300),
            json!(u64::MAX),
            json!(1.0),
            json!(0.1),
            json!(1e300),
            json!("x"),
            json!("cross-entropy"),
            json!("margin"),
            json!([]),
            json!([1, 2]),
            json!([1, 2, 3]),
            json!({}),
            json!({ "cross-entropy": null }),
            json!({ "cross-entropy": 1 }),
            json!({ "margin": 0.5 }),
            json!({ "margin": "x" }),
            json!({ "pair": [1, 2] }),
            json!({ "pair": [1] }),
            json!({ "pair": [1, 2, 3] }),
            json!({ "pair": 1 }),
            json!({ "focal": { "gamma": 2 } }),
            json!({ "focal": {} }),
            json!({ "focal": 2.5 }),
            json!({ "margin": 1, "pair": 2 }),
            json!({ "beta": 1, "gamma": 2, "delta": 3 }),
            json!({ "epochs": 1.5 }),
            json!({ "epochs": 3, "range": [1, 2], "named": { "a": { "beta": 1 } } }),
        ];
        check::<bool>(&values);
        check::<u8>(&values);
        check::<i64>(&values);
        check::<f64>(&values);
        check::<char>(&values);
        check::<String>(&values);
        check::<std::path::PathBuf>(&values);
        check::<Option<u8>>(&values);
        check::<()>(&values);
        check::<(u8, u8)>(&values);
        check::<Vec<f64>>(&values);
        check::<BTreeMap<String, f64>>(&values);
        check::<Value>(&values);
        check::<Word>(&values);
        check::<Loss>(&values);
        check::<Adam>(&values);
        check::<Params>(&values);
    }
}
