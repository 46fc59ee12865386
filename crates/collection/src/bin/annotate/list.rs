//! The list of problems of a run that fails.

use std::fmt::Write as _;
use std::path::PathBuf;

use table_io::Writer;
use table_problems::Problem;

/// Writes all problems into the folder that outlives a failed run, as a table and as text, and returns their paths. They
/// are no results: the runner records nothing of a run that fails.
pub(crate) fn keep(problems: &[Problem]) -> anyhow::Result<(PathBuf, PathBuf)> {
    let folder = stage::scratch()?;
    let (table, text) = (folder.join("problems.parquet"), folder.join("problems.txt"));
    let mut writer = Writer::create(&table);
    writer.append(problems.to_vec())?;
    writer.finish()?;
    let mut lines = String::new();
    for problem in problems {
        let _ = writeln!(
            lines,
            "{}\t{}\t{}",
            problem.reason, problem.path, problem.detail
        );
    }
    fs_err::write(&text, lines)?;
    Ok((table, text))
}
