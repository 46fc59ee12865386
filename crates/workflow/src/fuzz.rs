//! Readers of texts from outside, each as a function of any bytes.
//!
//! The targets in the folder `fuzz` of the workspace look for bytes that make one of these panic, hang or exhaust memory;
//! a test replays their findings and their seeds.

use std::path::Path;

use crate::declaration::{self, Declaration};
use crate::device::Device;
use crate::error::Result;
use crate::glob;
use crate::graph::Graph;
use crate::instance::resolve::instances;
use crate::json::canonical;
use crate::params::{self, Params};
use crate::path::output_path;
use crate::source::Source;

/// Takes any bytes.
pub type Target = fn(&[u8]);

/// Each target by the name of its corpus.
pub const TARGETS: [(&str, Target); 3] =
    [("glob", glob), ("params", params), ("pipeline", pipeline)];

/// `pipeline.toml`, as far as the graph of its instances; after a zero byte `params.toml`.
pub fn pipeline(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (pipeline, params) = text.split_once('\0').unwrap_or((&text, ""));
    let made =
        Declaration::parse(Source::new(declaration::FILE, pipeline)).and_then(|declaration| {
            let params = Params::of_sources(Some(Source::new(params::FILE, params)), Vec::new())?;
            let root = Path::new("/workspace");
            Graph::new(instances(&declaration, &params, root, Device::Cpu)?)
        });
    let Some(graph) = checked(made) else { return };
    for instance in &graph.instances {
        for output in instance.outputs.values() {
            let path = output.path.to_str().expect("it comes from a text");
            assert_eq!(output_path(path).as_ref(), Ok(&output.path), "it is inside");
        }
    }
}

/// `params.toml`, and a setting after each zero byte.
pub fn params(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut texts = text.split('\0').map(str::to_owned);
    let file = texts.next().unwrap_or_default();
    let Some(mut params) = checked(Params::of_sources(
        Some(Source::new(params::FILE, &file)),
        Vec::new(),
    )) else {
        return;
    };
    for setting in texts {
        checked(params.set(&setting));
    }
    for key in params.keys() {
        params.place(&key);
        params.hint(&key);
        if let Some(value) = params.get(&key) {
            let _ = params::read_canonical(&canonical(value));
        }
    }
}

/// A pattern and, after the first line break, a path.
pub fn glob(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (pattern, path) = text.split_once('\n').unwrap_or((&text, ""));
    glob::fixed_prefix(pattern);
    glob::may_match_below(pattern, path);
    if glob::matches(pattern, path) && !glob::is_pattern(pattern) {
        assert_eq!(pattern, path);
    }
}

/// The value; an error is formatted, so that its message is covered.
fn checked<T>(read: Result<T>) -> Option<T> {
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
