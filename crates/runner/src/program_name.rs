//! The name of the running program, for messages that name a command to type.

use std::fmt;
use std::sync::OnceLock;

/// The program that runs. Its `main` sets the name; libraries format it: `` `{PROGRAM} repro` ``.
pub static PROGRAM: Program = Program(OnceLock::new());

/// Name of the program where none was set.
const DEFAULT: &str = "atelier";

/// A program's name as it is typed: `atelier`, or several words where another program starts it.
#[derive(Debug)]
pub struct Program(OnceLock<&'static str>);

impl Program {
    /// Sets the name. The first call counts: a process runs one program.
    pub fn set(&self, name: &'static str) {
        self.0.get_or_init(|| name);
    }

    /// The name.
    pub fn name(&self) -> &'static str {
        self.0.get().copied().unwrap_or(DEFAULT)
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_name_counts() {
        let program = Program(OnceLock::new());
        assert_eq!(program.to_string(), "atelier");
        program.set("cargo xtask");
        program.set("another");
        assert_eq!(program.to_string(), "cargo xtask");
    }
}
