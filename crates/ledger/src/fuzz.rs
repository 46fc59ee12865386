//! Readers of texts that others may have written, each to be given any bytes.
//!
//! The targets in the folder `fuzz` of the workspace look for bytes that make one of these panic, hang or eat memory; a
//! test replays what they found and what they started from.

use workflow::source::Source;

use crate::error::Result;
use crate::source_lock::{FILE, SourceLock};

/// Takes any bytes.
pub type Target = fn(&[u8]);

/// Each target by the name of its corpus.
pub const TARGETS: [(&str, Target); 1] = [("sources", sources)];

/// `sources.lock`: what is read is what was written, and its paths are inside.
pub fn sources(data: &[u8]) {
    let read = |text: &str| SourceLock::parse(&Source::new(FILE, text));
    if let Some(lock) = parsed(read(&String::from_utf8_lossy(data))) {
        assert_eq!(parsed(read(&lock.text())), Some(lock));
    }
}

/// The value read; an error is written out, as a person would see it.
fn parsed<T>(read: Result<T>) -> Option<T> {
    read.map_err(|error| error.to_string()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_corpus_is_read_without_a_panic() {
        corpus::replay(&TARGETS).unwrap();
    }
}
