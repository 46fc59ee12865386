//! Readers of messages of other processes, as targets of fuzzing.
//!
//! The targets in the folder `fuzz` of the workspace look for bytes that make one of these panic, hang or eat memory; a
//! test replays the corpus.

use crate::local::client::dispatch;
use crate::local::message::{Reply, Request};

/// Lines of a task and of its supervisor.
pub fn messages(data: &[u8]) {
    for line in data.split_inclusive(|byte| *byte == b'\n') {
        let _ = dispatch(line, &mut Vec::new(), &mut |_| {});
        if let Ok(Reply::Output(line)) = serde_json::from_slice(line) {
            line.bytes();
        }
        let _ = serde_json::from_slice::<Request>(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_corpus_is_read_without_a_panic() {
        corpus::replay(&[("replies", messages)]).unwrap();
    }
}
