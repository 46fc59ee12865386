//! Readers of texts that others may have written, each to be given any bytes.
//!
//! The targets in the folder `fuzz` of the workspace look for bytes that make one of these panic, hang or eat memory; a
//! test replays what they found and what they started from.

use executor::Ending;
use keys::manifest::Manifest;
use protocol::{Fault, Job, Verdict};
use table_protocol::Answer;

use crate::{log, staging};

/// Takes any bytes.
pub type Target = fn(&[u8]);

/// Each target by the name of its corpus.
pub const TARGETS: [(&str, Target); 1] = [("messages", messages)];

/// Messages between processes: faults of a job, answers of programs, the end of a stage; stashed outputs, a manifest.
pub fn messages(data: &[u8]) {
    if let Ok(ending) = serde_json::from_slice::<Ending>(data) {
        log::status(&ending);
    }
    if let Ok(fault) = serde_json::from_slice::<Fault>(data) {
        fault.to_string();
    }
    let _ = serde_json::from_slice::<Job>(data);
    let _ = serde_json::from_slice::<Verdict>(data);
    let _ = serde_json::from_slice::<Answer>(data);
    let _ = serde_json::from_slice::<staging::Stash>(data);
    let manifest = Manifest::read(&String::from_utf8_lossy(data));
    assert!(manifest.differences(&manifest).is_empty());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_corpus_is_read_without_a_panic() {
        corpus::replay(&TARGETS).unwrap();
    }
}
