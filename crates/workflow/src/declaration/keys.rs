//! The keys of `pipeline.toml`, for the reader, the schema and `docs/pipeline.md`.

/// A key of a table.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Table that it stands in.
    pub table: Table,
    /// Its name.
    pub name: &'static str,
    /// Type of its value.
    pub kind: Kind,
    /// True if its table requires it.
    pub is_required: bool,
    /// True if the cache key of a stage covers its value: another value makes another result.
    pub is_in_cache_key: bool,
    /// Its meaning, for the schema and the documentation.
    pub sentence: &'static str,
}

/// A table with a fixed set of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// The file.
    Root,
    /// `[cache]`.
    Cache,
    /// `[device]`.
    Device,
    /// `[stage.NAME]`.
    Stage,
    /// An output that is more than its path.
    Output,
    /// `[[advice]]`.
    Advice,
}

/// Type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A text.
    Text,
    /// `true` or `false`, with the default.
    Flag(bool),
    /// A whole number, 0 by default.
    Count,
    /// A size with its unit.
    Size,
    /// A time with its unit.
    Time,
    /// `crate/binary`.
    Program,
    /// A text, or a list of texts.
    Commands,
    /// A list of texts.
    Texts,
    /// A list of names of environment variables.
    Variables,
    /// Texts by names.
    TextByName,
    /// Any values by names.
    ValueByName,
    /// Counts, lists, tables or params by names.
    Each,
    /// Paths or tables [`Table::Output`] by names.
    Outputs,
    /// Tables of the crate `checks` by names.
    Checks,
    /// Tables [`Table::Stage`] by names.
    Stages,
    /// A table.
    Table(Table),
    /// A list of tables.
    Tables(Table),
}

use Kind::{
    Checks, Commands, Count, Each, Flag, Outputs, Program, Size, Stages, Tables, Text, TextByName,
    Texts, Time, ValueByName, Variables,
};
use Table::{Advice, Cache, Device, Output, Root, Stage};

/// All keys, those of a table in the order of the documentation.
pub const KEYS: &[Key] = &[
    free(
        Root,
        "cache",
        Kind::Table(Cache),
        "Limits of the cache. Unused results beyond them are removed after a run.",
    ),
    free(
        Cache,
        "max-size",
        Size,
        "Size of all that it holds, such as 20 GB.",
    ),
    free(
        Cache,
        "max-age",
        Time,
        "Time since a result was made, such as 30 d.",
    ),
    free(
        Root,
        "default-params",
        Text,
        "The overlay of params.toml that holds where a command is given no --params.",
    ),
    free(
        Root,
        "device",
        Kind::Table(Device),
        "The program that finds out whether the accelerator that `device = \"auto\"` means can be used.",
    ),
    needed(
        Device,
        "check",
        Program,
        "`crate/binary` of this workspace.",
    ),
    free(
        Device,
        "params",
        TextByName,
        "Parameters of the program: keys of `params.toml` by the program's own names.",
    ),
    free(
        Root,
        "renamed-params",
        TextByName,
        "New names of parameters by old ones: the error for an old name tells the new one.",
    ),
    free(
        Root,
        "stage",
        Stages,
        "Stages by name, in the order of data.",
    ),
    free(
        Root,
        "advice",
        Tables(Advice),
        "Warnings before a repro for settings that work and are seldom meant.",
    ),
    needed(Advice, "stage", Text, "The stage before which it is given."),
    free(
        Advice,
        "when",
        ValueByName,
        "Values by parameter that all must hold.",
    ),
    free(
        Advice,
        "unless",
        ValueByName,
        "Values by parameter of which none may hold.",
    ),
    needed(Advice, "text", Text, "The warning."),
    free(Stage, "desc", Text, "A line for people."),
    keyed(
        Stage,
        "run",
        Program,
        "crate/binary of this workspace, started with a job file.",
    ),
    keyed(
        Stage,
        "cmd",
        Commands,
        "Text for the shell, started in the workspace root. ${in.name} and ${out.name} are quoted paths, ${table.key} is a parameter. A list of texts runs in one shell and stops at the first that fails.",
    ),
    keyed(
        Stage,
        "in",
        TextByName,
        "Inputs by name: a file, a folder or a pattern with *, ? and **; an empty path is an absent input.",
    ),
    keyed(Stage, "out", Outputs, "Outputs by name."),
    keyed(
        Stage,
        "params",
        Texts,
        "Keys of params.toml, table.* for all keys of a table, table.key as name for another name than the last part; by default the section with the stage's name.",
    ),
    keyed(
        Stage,
        "each",
        Each,
        "Variables of which each combination of values makes an instance: a count, a list, a table, or ${table.key} for one of params.toml.",
    ),
    keyed(
        Stage,
        "env",
        Variables,
        "Environment variables whose values the result depends on. Their values are stored in the cache: name no secrets.",
    ),
    free(
        Stage,
        "show",
        Text,
        "The output whose text a repro prints at its end.",
    ),
    free(
        Stage,
        "metrics",
        Texts,
        "Outputs that hold metrics, in JSON or as tables of numbers, in the order in which they are shown: scores, or scores.test.* for some of them.",
    ),
    free(
        Stage,
        "source",
        Flag(false),
        "Whether it runs only for a stage that needs it, or by name.",
    ),
    free(
        Stage,
        "after",
        Texts,
        "Stages that must have succeeded before it starts, though it reads nothing of theirs. Not part of its key.",
    ),
    free(
        Stage,
        "frozen",
        Flag(false),
        "Whether it stays as it is, whatever changes.",
    ),
    free(
        Stage,
        "always",
        Flag(false),
        "Whether it runs in every repro that comes to it.",
    ),
    free(
        Stage,
        "cores",
        Count,
        "Processor cores that it occupies while it runs, and the number of threads of libraries.",
    ),
    free(
        Stage,
        "memory",
        Size,
        "Memory that it occupies while it runs, such as 4 GB.",
    ),
    free(Stage, "gpu", Count, "GPUs that it occupies while it runs."),
    free(Stage, "timeout", Time, "How long it may run, such as 90 s."),
    free(
        Stage,
        "sandbox",
        Flag(true),
        "Whether the system confines it to declared paths, where it can.",
    ),
    free(Stage, "check", Checks, "What rows must be like, by output."),
    needed(Output, "path", Text, "A path inside the workspace."),
    keyed(
        Output,
        "volatile",
        Flag(false),
        "Whether it is a by-product, such as timings, that decides nothing. The stage then finds `ATELIER_VERSION`, \
         `ATELIER_COMMIT` and `ATELIER_DEVICE` in its environment; no other output may depend on them.",
    ),
    free(
        Output,
        "cache",
        Flag(true),
        "Whether its content is kept in the cache. One that is not is made anew where it is missing.",
    ),
    keyed(
        Output,
        "keep",
        Flag(false),
        "Whether a run starts with the last one's output instead of none.",
    ),
];

/// A key that no cache key covers.
const fn free(table: Table, name: &'static str, kind: Kind, sentence: &'static str) -> Key {
    Key {
        table,
        name,
        kind,
        is_required: false,
        is_in_cache_key: false,
        sentence,
    }
}

/// The same, required.
const fn needed(table: Table, name: &'static str, kind: Kind, sentence: &'static str) -> Key {
    Key {
        is_required: true,
        ..free(table, name, kind, sentence)
    }
}

/// A key that the cache keys of stages cover.
const fn keyed(table: Table, name: &'static str, kind: Kind, sentence: &'static str) -> Key {
    Key {
        is_in_cache_key: true,
        ..free(table, name, kind, sentence)
    }
}

impl Table {
    /// Its keys, in the order of [`KEYS`].
    pub fn keys(self) -> impl Iterator<Item = &'static Key> {
        KEYS.iter().filter(move |key| key.table == self)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Type of a value in the documentation.
    fn value(kind: Kind) -> &'static str {
        match kind {
            Kind::Text => "text",
            Kind::Flag(false) => "boolean, `false` by default",
            Kind::Flag(true) => "boolean, `true` by default",
            Kind::Count => "count",
            Kind::Size => "size with its unit",
            Kind::Time => "time with its unit",
            Kind::Program => "`crate/binary`",
            Kind::Commands => "text or list of texts",
            Kind::Texts | Kind::Variables => "list of texts",
            Kind::TextByName => "table of texts",
            Kind::ValueByName | Kind::Each => "table of values",
            Kind::Outputs => "table of paths or tables",
            Kind::Checks | Kind::Stages => "table of tables",
            Kind::Table(_) => "table",
            Kind::Tables(_) => "list of tables",
        }
    }

    /// The table of a table's keys in Markdown, as `docs/pipeline.md` has it.
    fn documentation(table: Table) -> String {
        let mut text =
            String::from("| key | value | in the cache key | declares |\n|---|---|---|---|\n");
        for key in table.keys() {
            let kind = value(key.kind);
            let is_in_key = if key.is_in_cache_key { "yes" } else { "" };
            text += &format!(
                "| `{}` | {kind} | {is_in_key} | {} |\n",
                key.name,
                escaped(key.sentence)
            );
        }
        text
    }

    /// `sentence` with the marks of Markdown escaped.
    fn escaped(sentence: &str) -> String {
        sentence.replace('*', "\\*")
    }

    #[test]
    fn the_page_lists_all_keys() {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/pipeline.md");
        let page = fs_err::read_to_string(page).unwrap();
        for table in [Root, Cache, Device, Stage, Output, Advice] {
            let documentation = documentation(table);
            assert!(
                page.contains(&documentation),
                "not in docs/pipeline.md:\n{documentation}"
            );
        }
    }

    #[test]
    fn no_key_is_there_twice() {
        for (at, key) in KEYS.iter().enumerate() {
            let mut later = KEYS[at + 1..].iter();
            assert!(
                !later.any(|other| (other.table, other.name) == (key.table, key.name)),
                "{}",
                key.name
            );
        }
    }
}
