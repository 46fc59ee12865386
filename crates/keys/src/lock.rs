//! `pipeline.lock`: for each instance the key and digests of its last result.
//!
//! One table an instance and one line an entry, sorted, so that versions merge;
//! no times and no paths. It holds the digests that outputs should have;
//! deleted, it is rebuilt from the cache.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use store::{Digest, InvalidDigest};
use toml_edit::{Item, Key, TableLike};
use workflow::source::{self, Source};

use crate::error::{Error, Result};

mod entry;
mod written;

use entry::HEADER;
pub use entry::Locked;

/// The lock file, in the workspace root.
pub const FILE: &str = "pipeline.lock";

/// The lock file's contents.
#[derive(Debug, Clone, Default)]
pub struct Lock {
    stages: BTreeMap<String, Arc<Locked>>,
    /// Text of the file with these contents; none once anything has changed. A comparison of texts takes a tenth of the
    /// time of reading one.
    file: Option<String>,
}

/// Equal if they have the same entries.
impl PartialEq for Lock {
    fn eq(&self, other: &Self) -> bool {
        self.stages == other.stages
    }
}

impl Eq for Lock {}

impl Lock {
    /// Reads the lock of the workspace; a missing file is an empty lock.
    ///
    /// # Errors
    /// The file cannot be read, or isn't as [`Lock::text`] writes it.
    pub fn load(root: &Path) -> Result<Self> {
        let mut lock = Lock::default();
        lock.reload(root)?;
        Ok(lock)
    }

    /// Reads the file again.
    ///
    /// # Errors
    /// As [`Lock::load`].
    pub fn reload(&mut self, root: &Path) -> Result<()> {
        let source = Lock::source(root)?;
        if self.file.as_ref() != Some(&source.text) {
            let read = Lock::parse(&source);
            *self = read.map_err(Error::Lock)?;
            self.file = Some(source.text);
        }
        Ok(())
    }

    /// The last result of the instance `name`.
    pub fn get(&self, name: &str) -> Option<&Locked> {
        self.stages.get(name).map(|locked| &**locked)
    }

    /// The same, without a borrow of the lock.
    pub fn shared(&self, name: &str) -> Option<Arc<Locked>> {
        self.stages.get(name).cloned()
    }

    /// All instances with their last results, sorted.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Locked)> {
        { self.stages.iter() }.map(|(name, locked)| (name.as_str(), &**locked))
    }

    /// Notes the last result of the instance `name`.
    pub fn insert(&mut self, name: String, locked: Locked) {
        self.stages.insert(name, Arc::new(locked));
        self.file = None;
    }

    /// Forgets all instances but these.
    pub fn keep_only(&mut self, names: &BTreeSet<&str>) {
        let n_before = self.stages.len();
        self.stages.retain(|name, _| names.contains(name.as_str()));
        if self.stages.len() < n_before {
            self.file = None;
        }
    }

    /// The file's text; none is empty.
    fn source(root: &Path) -> Result<Source> {
        let path = root.join(FILE);
        if path.exists() {
            return Ok(Source::read(&path, FILE)?);
        }
        Ok(Source {
            name: FILE.to_owned(),
            text: String::new(),
        })
    }

    /// Reads a lock from its text.
    ///
    /// # Errors
    /// The text isn't as [`Lock::text`] writes it.
    pub fn parse(source: &Source) -> workflow::Result<Self> {
        match written::read(&source.text) {
            Some(stages) => Ok(Lock { stages, file: None }),
            None => Lock::parse_toml(source),
        }
    }

    /// Reads a lock from any TOML.
    pub(crate) fn parse_toml(source: &Source) -> workflow::Result<Self> {
        let document = source.parse()?;
        let mut lock = Lock::default();
        for (name, item) in document.as_table() {
            let wrong = |what: String| source.error(item.span().unwrap_or(0..0), what);
            let Some(table) = item.as_table_like() else {
                return Err(wrong(format!(
                    "`{name}` is {}; expected a table",
                    source::kind(item)
                )));
            };
            let locked = read_stage(table).map_err(|what| wrong(format!("`{name}`: {what}")))?;
            lock.stages.insert(name.to_owned(), Arc::new(locked));
        }
        Ok(lock)
    }

    /// The file's text.
    pub fn text(&self) -> String {
        let mut text = HEADER.to_owned();
        for (name, locked) in &self.stages {
            // Writing to a string cannot fail.
            let _ = write!(text, "\n[{}]\nkey = \"{}\"\n", Key::new(name), locked.key);
            for (input, digests) in &locked.inputs {
                let digests: Vec<String> = digests
                    .iter()
                    .map(|digest| format!("\"{digest}\""))
                    .collect();
                let _ = writeln!(text, "in.{} = [{}]", Key::new(input), digests.join(", "));
            }
            for (output, digest) in &locked.outputs {
                let _ = writeln!(text, "out.{} = \"{digest}\"", Key::new(output));
            }
        }
        text
    }

    /// Writes the file in one step, unless it has these bytes already.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&mut self, root: &Path, scratch: &Path) -> Result<()> {
        let text = self.file.take().unwrap_or_else(|| self.text());
        let path = root.join(FILE);
        if !path.exists() || fs_err::read(&path)? != text.as_bytes() {
            store::write_whole_in(scratch, &path, text.as_bytes())?;
        }
        self.file = Some(text);
        Ok(())
    }
}

fn read_stage(table: &dyn TableLike) -> std::result::Result<Locked, String> {
    let key = table.get("key").ok_or("no `key`")?;
    let mut locked = Locked {
        key: read_digest(key)?,
        inputs: BTreeMap::new(),
        outputs: BTreeMap::new(),
    };
    for (section, item) in table.iter() {
        let entries = match (section, item.as_table_like()) {
            ("key", _) => continue,
            ("in" | "out", Some(entries)) => entries,
            _ => return Err(format!("unexpected `{section}`")),
        };
        for (name, item) in entries.iter() {
            if section == "out" {
                locked.outputs.insert(name.to_owned(), read_digest(item)?);
            } else {
                let digests = item.as_array().ok_or("an input that is no array")?;
                let digests = digests
                    .iter()
                    .map(|digest| read_digest(&Item::Value(digest.clone())));
                locked.inputs.insert(
                    name.to_owned(),
                    digests.collect::<std::result::Result<_, _>>()?,
                );
            }
        }
    }
    Ok(locked)
}

fn read_digest(item: &Item) -> std::result::Result<Digest, String> {
    let text = item.as_str().ok_or("a digest that is no string")?;
    text.parse()
        .map_err(|error: InvalidDigest| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock() -> Lock {
        let digest = Digest::of_bytes(b"x");
        let locked = Locked {
            key: digest,
            inputs: BTreeMap::from([
                ("many".into(), vec![digest, digest]),
                ("none".into(), vec![]),
            ]),
            outputs: BTreeMap::from([("model".into(), digest)]),
        };
        let names = ["train@0", "train@1", "split"];
        let mut lock = Lock::default();
        for name in names {
            lock.insert(name.to_owned(), locked.clone());
        }
        lock
    }

    fn parse(text: &str) -> workflow::Result<Lock> {
        Lock::parse(&Source {
            name: FILE.into(),
            text: text.into(),
        })
    }

    #[test]
    fn the_text_reads_back() {
        assert_eq!(parse(&lock().text()).unwrap(), lock());
        assert_eq!(parse("").unwrap(), Lock::default());
    }

    #[test]
    fn a_lock_as_it_is_written_needs_no_parser_of_toml() {
        let text = lock().text();
        assert_eq!(written::read(&text), Some(lock().stages));
        assert_eq!(written::read(HEADER), Some(BTreeMap::new()));
    }

    /// With any of its lines changed, left out or given twice, and cut off anywhere, a text means the same to both readers.
    #[test]
    fn the_reader_of_written_locks_reads_nothing_that_toml_reads_otherwise() {
        let text = lock().text();
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let mut texts: Vec<String> = (0..text.len())
            .filter_map(|end| text.get(..end).map(str::to_owned))
            .collect();
        let others = [
            "",
            "\n",
            "\r\n",
            " ",
            "[a.b]\n",
            "[\"\"]\n",
            "[]\n",
            "[\"a\\u0041\"]\n",
            "['a']\n",
            "# note\n",
            "in = 3\n",
            "in.a = []\n",
            "in.a = [ ]\n",
            "in.\"a b\" = []\n",
            "in.a.b = []\n",
            "out.a = \"\"\n",
            "out.model = []\n",
        ];
        for at in 0..lines.len() {
            let with = |middle: &str| lines[..at].concat() + middle + &lines[at + 1..].concat();
            texts.extend(others.map(with));
            texts.extend(others.map(|other| with(&(lines[at].to_owned() + other))));
            texts.extend(lines.iter().map(|line| with(line)));
            texts.extend(
                lines
                    .iter()
                    .map(|line| with(&(lines[at].to_owned() + line))),
            );
            for (from, to) in [
                ("\"", "'"),
                (" = ", "="),
                (", ", ","),
                ("\n", "\t\n"),
                ("[", "[["),
                ("1", "A"),
            ] {
                texts.push(with(&lines[at].replace(from, to)));
            }
        }
        let mut n_read = 0;
        for text in texts {
            if let Some(stages) = written::read(&text) {
                let lock = Lock::parse_toml(&Source::new(FILE, &text));
                assert_eq!(
                    lock.map_err(|e| e.to_string()).map(|lock| lock.stages),
                    Ok(stages),
                    "{text}"
                );
                n_read += 1;
            }
        }
        assert!(n_read > 20, "{n_read}");
    }

    #[test]
    fn the_file_counts_after_a_change_by_another_process() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let mut ours = lock();
        ours.save(root, root).unwrap();
        ours.insert("other".into(), ours.get("split").unwrap().clone());
        ours.reload(root).unwrap();
        assert_eq!(ours, lock());
        ours.keep_only(&["split"].into());
        ours.save(root, root).unwrap();
        let theirs = Lock::load(root).unwrap();
        assert_eq!(
            theirs.iter().map(|(name, _)| name).collect::<Vec<_>>(),
            ["split"]
        );
        fs_err::remove_file(root.join(FILE)).unwrap();
        ours.reload(root).unwrap();
        assert_eq!(ours, Lock::default());
    }

    #[test]
    fn damage_is_reported_with_its_place() {
        for text in [
            "[split]\n",
            "[split]\nkey = \"12\"\n",
            "split = 3\n",
            "<<<<<<< HEAD\n",
        ] {
            let message = parse(text).unwrap_err().to_string();
            assert!(message.contains("pipeline.lock:1:"), "{message}");
        }
    }
}
