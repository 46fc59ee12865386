//! What a run produced.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Digest;

/// What the run with a certain key produced; kept in the [`Store`](crate::Store) under that key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The content of each output, by the output's name.
    pub outputs: BTreeMap<String, Digest>,
    /// The readable manifest whose hash is the key.
    pub manifest: String,
    /// How the outputs came to be taken for the run's, where no run with this manifest made them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<String>,
    /// Digest of the stage's binary that made the outputs; none for a foreign command, and where no run made them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binary: Option<Digest>,
}

impl Record {
    /// Reads what stands under `key`. A record belongs to the key that its manifest has: whoever copies it to another
    /// doesn't pass it off as that one's result.
    pub(crate) fn parse(text: &[u8], key: &Digest) -> Option<Self> {
        let record: Self = serde_json::from_slice(text).ok()?;
        (Digest::of_bytes(record.manifest.as_bytes()) == *key).then_some(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_without_later_fields_is_read() {
        let text = br#"{"outputs": {}, "manifest": "a = 1\n"}"#;
        let record = Record::parse(text, &Digest::of_bytes(b"a = 1\n")).unwrap();
        assert_eq!((record.accepted, record.binary), (None, None));
    }
}
