//! Replay of the corpus of fuzzing, in `fuzz/corpus`, for tests.

use std::io;
use std::path::Path;

/// A reader of any bytes.
pub type Target = fn(&[u8]);

/// Passes each file of the corpus of each target, which has its name, to the target.
///
/// # Errors
/// A corpus is missing or cannot be read.
///
/// # Panics
/// A corpus is empty, or a target panics.
pub fn replay(targets: &[(&str, Target)]) -> io::Result<()> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    for (name, target) in targets {
        let mut entries = fs_err::read_dir(corpus.join(name))?.peekable();
        assert!(entries.peek().is_some(), "{name} has no corpus");
        for entry in entries {
            target(&fs_err::read(entry?.path())?);
        }
    }
    Ok(())
}
