//! Failures of a device as text.

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// An error and its causes, as one line.
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    // Backtraces of candle follow on further lines.
    text.lines().next().unwrap_or_default().to_owned()
}

/// Does `work` on a device: an error or a panic, as of candle's Metal backend, is a text.
pub(crate) fn attempt<T, E: Error>(work: impl FnOnce() -> Result<T, E>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(done) => done.map_err(|error| chain(&error)),
        Err(payload) => {
            let text = payload.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
            Err(format!("a panic: {}", text.unwrap_or("without a message")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_and_panics_are_texts() {
        let failed = attempt(|| "x".parse::<u8>()).unwrap_err();
        assert!(failed.contains("invalid digit"), "{failed}");
        let panicked = attempt(|| -> Result<(), std::fmt::Error> { panic!("no {}", "pipeline") });
        assert_eq!(panicked.unwrap_err(), "a panic: no pipeline");
        assert_eq!(attempt(|| "7".parse::<u8>()), Ok(7));
    }
}
