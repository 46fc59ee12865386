//! Comparison of the tables of two runs, across renamed files, columns and values.

mod cell;
mod mapping;
mod table;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};

use mapping::Mapping;
use table::Table;

const HELP: &str = r#"Compares all parquet tables of two folders, cell by cell, with the names of the first mapped to those of the second.

Usage: cargo run --release -p table-io --example compare -- OLD NEW [MAPPING]

  OLD, NEW   folders such as `artifacts`
  MAPPING    a TOML file of renamings; without it, names are equal

Prints a line for each difference (table, column, number of rows, first differing cell of a column) and ends with
status 1 if there is any. The order of columns and of rows does not count: rows are matched by their columns other than
floating-point numbers and lists, those that agree in these by their floating-point numbers. Numbers are compared bit by
bit.

A mapping, where patterns are paths in OLD, `*` in them is any text, and of several matching patterns the longest counts:

    ignore = ["*timings.parquet"]       # tables that differ from run to run

    [files]                             # old path = new path
    "judge/scores.parquet" = "metric-learning-scores/scores.parquet"

    [columns."*"]                       # [columns."PATTERN"]: old column = new column
    part = "subset"

    [columns."split/*"]
    part = "fold"

    [values."*".part]                   # [values."PATTERN".OLD_COLUMN]: old value = new value, all at once
    test = "validation"
    val = "test"

Beside this program, `subsets.toml` maps the tables from before the exchange of `test` and `validation`, and `names.toml`
those from before tables, columns, files and stages were renamed.
"#;

fn main() -> ExitCode {
    match run(&std::env::args().skip(1).collect::<Vec<_>>()) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Prints the differences and returns their number.
fn run(arguments: &[String]) -> anyhow::Result<usize> {
    let (old, new, mapping) = match arguments {
        [help] if help == "--help" || help == "-h" => {
            print!("{HELP}");
            return Ok(0);
        }
        [old, new] => (old, new, Mapping::default()),
        [old, new, file] => {
            let text = fs_err::read_to_string(file)?;
            let mapping = text.parse().with_context(|| format!("in `{file}`"))?;
            (old, new, mapping)
        }
        _ => bail!(
            "found {} arguments, expected OLD NEW [MAPPING]; see --help",
            arguments.len()
        ),
    };
    let (differences, n_tables) = compare(Path::new(old), Path::new(new), &mapping)?;
    for difference in &differences {
        println!("{difference}");
    }
    println!("{n_tables} tables, {} differences", differences.len());
    Ok(differences.len())
}

/// The differences of the tables in two folders, and the number of tables that both have.
fn compare(old: &Path, new: &Path, mapping: &Mapping) -> anyhow::Result<(Vec<String>, usize)> {
    let mut differences = Vec::new();
    let (mut expected, mut n_tables) = (BTreeSet::new(), 0);
    let found = tables(new)?;
    for path in tables(old)? {
        let target = mapping.file(&path);
        expected.insert(target.clone());
        if mapping.is_ignored(&path) {
            continue;
        }
        if !found.contains(&target) {
            differences.push(format!(
                "{target}: missing table, `{path}` in the first folder"
            ));
            continue;
        }
        n_tables += 1;
        let mut before = Table::read(&old.join(&path))?;
        before.rename(&path, mapping)?;
        let after = Table::read(&new.join(&target))?;
        let of_table = before.differences(after);
        differences.extend(of_table.into_iter().map(|text| format!("{target}: {text}")));
    }
    let added = found.difference(&expected);
    differences.extend(added.map(|path| format!("{path}: additional table")));
    Ok((differences, n_tables))
}

/// The paths of all parquet files below a folder, relative to it, with `/` between names.
fn tables(folder: &Path) -> anyhow::Result<BTreeSet<String>> {
    let mut open: Vec<PathBuf> = vec![folder.to_owned()];
    let mut paths = BTreeSet::new();
    while let Some(current) = open.pop() {
        for entry in fs_err::read_dir(&current)? {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else if path
                .extension()
                .is_some_and(|extension| extension == "parquet")
            {
                let names = path.strip_prefix(folder)?.iter();
                let names = names.map(|name| name.to_string_lossy().into_owned());
                paths.insert(names.collect::<Vec<_>>().join("/"));
            }
        }
    }
    Ok(paths)
}

#[cfg(test)]
mod tests;
