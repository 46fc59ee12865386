//! Record of a run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Digest;

/// Outputs of the run with a key, in the [`Store`](crate::Store) under that key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The content of each output, by the output's name.
    pub outputs: BTreeMap<String, Digest>,
    /// The readable manifest whose hash is the key.
    pub manifest: String,
    /// Origin of the outputs, where no run with this manifest made them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<String>,
    /// Digest of the stage's binary that made the outputs; none for a foreign command, and where no run made them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binary: Option<Digest>,
}

impl Record {
    /// Reads the record of `key`. A record belongs to the key of its manifest: copied to the place of another key, it
    /// is not read.
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
