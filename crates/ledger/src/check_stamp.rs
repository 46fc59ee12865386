//! Check stamps: notes in the cache that a content has passed a check.

use std::collections::BTreeMap;

use serde_json::Value;
use store::{Digest, Store};
use workflow::instance::Instance;
use workflow::json::canonical;

use crate::error::Result;

/// Notes that a content has passed a check.
///
/// # Errors
/// The note cannot be written.
pub fn note(store: &Store, check: &Value, content: &Digest) -> Result<()> {
    Ok(store.stamp_check(&text(check, content))?)
}

/// Returns whether the cache has the stamp of a check for a content.
pub fn has_passed(store: &Store, check: &Value, content: &Digest) -> bool {
    store.has_check_stamp(&text(check, content))
}

/// The outputs among those with these contents whose check hasn't passed yet.
pub fn unchecked(
    instance: &Instance,
    outputs: &BTreeMap<String, Digest>,
    has_passed: impl Fn(&Value, &Digest) -> bool,
) -> Vec<String> {
    let checks = instance.rules.checks.iter();
    let unchecked = checks.filter(|(name, check)| {
        let digest = outputs.get(*name);
        digest.is_some_and(|digest| !has_passed(&check.value, digest))
    });
    unchecked.map(|(name, _)| name.clone()).collect()
}

/// The stamps that an instance's outputs have once they have passed its checks.
pub(crate) fn texts(instance: &Instance, outputs: &BTreeMap<String, Digest>) -> Vec<String> {
    let checks = instance.rules.checks.iter();
    let texts = checks.filter_map(|(output, check)| Some(text(&check.value, outputs.get(output)?)));
    texts.collect()
}

fn text(check: &Value, content: &Digest) -> String {
    format!("check = {}\ncontent = {content}\n", canonical(check))
}
