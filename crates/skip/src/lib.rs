//! Tests that need a facility which not every machine has: a kernel's feature, a program, a permission.
//!
//! Rust's test harness decides about `#[ignore]` when it compiles, and has no test that is skipped while it runs: one that
//! returns early counts as passed. Such a test writes a line with its name to standard error, past the harness, which
//! shows the output of failed tests alone. `.ci/run` counts these lines, and fails on a facility that it doesn't list.

use std::io::Write;
use std::panic::Location;

/// Returns whether the running test has to be skipped, which is the case if its facility isn't `present`, and then
/// writes so.
///
/// `facility` is one word, as `.ci/run` lists it.
///
/// ```no_run
/// # fn has_strace() -> bool { false }
/// fn killed_before_a_rename() {
///     if skip::unless(has_strace(), "strace") {
///         return;
///     }
///     // …
/// }
/// ```
#[must_use = "a test without its facility returns"]
#[track_caller]
pub fn unless(present: bool, facility: &str) -> bool {
    if !present {
        let line = line(facility, Location::caller().file());
        // One call for the whole line: lines of other tests don't come between. There is nothing to do about a closed
        // standard error.
        let _ = std::io::stderr().write_all(line.as_bytes());
    }
    !present
}

/// The harness runs each test in a thread of the test's name.
fn line(facility: &str, file: &str) -> String {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("main");
    format!("skipped test: {facility}: {file} {test}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_is_skipped_by_name_where_its_facility_is_missing() {
        assert!(!unless(true, "nothing"));
        assert_eq!(
            line("strace", "tests/kills.rs"),
            "skipped test: strace: tests/kills.rs tests::a_test_is_skipped_by_name_where_its_facility_is_missing\n"
        );
    }
}
