//! An entry of a lock, and the line above all.

use std::collections::BTreeMap;

use store::Digest;

pub(super) const HEADER: &str =
    "# Written by atelier, to be committed: what each stage's last result was made from.\n";

/// The last result of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Locked {
    /// The hash of the manifest.
    pub key: Digest,
    /// Digests of the inputs by name, several for a pattern.
    pub inputs: BTreeMap<String, Vec<Digest>>,
    /// Digests of the outputs by name, without volatile ones.
    pub outputs: BTreeMap<String, Digest>,
}
