//! Readers of untrusted texts, as targets of fuzzing.
//!
//! The targets in the folder `fuzz` of the workspace look for bytes that make one of these panic, hang or eat memory; a
//! test replays the corpus.

use workflow::source::Source;

use crate::closure::without_tests;
use crate::lock::{self, Lock};

/// Takes any bytes.
pub type Target = fn(&[u8]);

/// Each target by the name of its corpus.
pub const TARGETS: [(&str, Target); 2] = [("code", code), ("lock", lock)];

/// A Rust source: its start counts, without a module of tests at the end.
pub fn code(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    assert!(text.starts_with(without_tests(&text)));
    let tested = format!("{text}\n#[cfg(test)]\nmod tests {{}}\n");
    assert!([text.len() + 1, tested.len()].contains(&without_tests(&tested).len()));
}

/// `pipeline.lock`: a written lock reads back, and the parser of TOML and the reader of written locks agree on any text.
pub fn lock(data: &[u8]) {
    let read = |text: &str| Lock::parse(&Source::new(lock::FILE, text));
    let read_toml = |text: &str| Lock::parse_toml(&Source::new(lock::FILE, text));
    let text = String::from_utf8_lossy(data);
    let lock = parsed(read(&text));
    assert_eq!(lock, parsed(read_toml(&text)));
    if let Some(lock) = lock {
        assert_eq!(parsed(read(&lock.text())).as_ref(), Some(&lock));
        assert_eq!(parsed(read_toml(&lock.text())), Some(lock));
    }
}

/// The value; an error is formatted, as for a message.
fn parsed<T>(read: workflow::Result<T>) -> Option<T> {
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
