//! The cache: content, check, removal of unused results.

use std::process::ExitCode;

use ledger::cache::{Cached, Scope};
use runner::clear::clear_cache;
use runner::workspace::Access;
use workflow::quantity::show_bytes;

use crate::arguments::cache::Cache;
use crate::arguments::common::Params;
use crate::print;
use crate::progress::Live;
use crate::workspace::open;

pub(crate) fn run(command: Cache) -> anyhow::Result<ExitCode> {
    match command {
        Cache::Gc {
            workspace,
            commits,
            younger_than,
            dry_run,
        } => {
            let scope = Scope {
                workspace,
                commits,
                younger_than,
            };
            clear(scope, dry_run)?;
        }
        Cache::Verify => return verify(),
        Cache::Size { json } => size(json)?,
        Cache::List { json } => list(json)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn clear(scope: Scope, is_trial: bool) -> anyhow::Result<()> {
    let mut workspace = open(&Params::default(), Access::Write)?;
    let mut live = Live::new(false, false);
    let removed = clear_cache(&mut workspace, scope, is_trial, &mut live);
    live.end();
    let removed = removed?;
    let action = if is_trial { "would remove" } else { "removed" };
    let bytes = show_bytes(removed.bytes);
    print::text(&format!("{action} {} files, {bytes}\n", removed.files))
}

fn verify() -> anyhow::Result<ExitCode> {
    let workspace = open(&Params::default(), Access::Write)?;
    let damaged = workspace.cache().verify()?;
    for digest in &damaged {
        print::error(&format!("`{digest}` was damaged and has been removed"));
    }
    if !damaged.is_empty() {
        print::text("the next repro makes anew what it needs of them\n")?;
        return Ok(ExitCode::FAILURE);
    }
    let size = workspace.cache().size()?;
    let files = size.objects.files + size.trees.files;
    print::text(&format!("{files} files, all as they should be\n"))?;
    Ok(ExitCode::SUCCESS)
}

fn size(is_json: bool) -> anyhow::Result<()> {
    let size = open(&Params::default(), Access::Read)?.cache().size()?;
    if is_json {
        return print::json(&size);
    }
    let rows = [
        ("contents of files", size.objects),
        ("lists of folders", size.trees),
        ("records of runs", size.records),
        ("passed checks", size.check_stamps),
    ];
    let lines = rows.map(|(what, amount)| {
        let bytes = show_bytes(amount.bytes);
        format!("{what:17}  {:>8}  {bytes:>9}\n", amount.files)
    });
    print::text(&lines.concat())
}

fn list(is_json: bool) -> anyhow::Result<()> {
    let cached = open(&Params::default(), Access::Read)?.cache().results()?;
    if is_json {
        return print::json(&cached);
    }
    let lines: Vec<String> = cached.iter().map(line).collect();
    print::text(&lines.concat())
}

/// `a40704af0713    3 min ago    1.2 MB  train@0  trainer/train  model, history`.
fn line(cached: &Cached) -> String {
    const SHOWN: usize = 40;
    let key = cached.key.to_string();
    let age = age(cached.age_s);
    let bytes = show_bytes(cached.bytes);
    let stages = match cached.stages.join(", ") {
        stages if stages.is_empty() => "-".to_owned(),
        stages => stages,
    };
    let mut command: String = cached.command.chars().take(SHOWN).collect();
    if command.len() < cached.command.len() {
        command.push('…');
    }
    let outputs = cached.outputs.join(", ");
    format!(
        "{}  {age:>10} ago  {bytes:>9}  {stages}  {command}  {outputs}\n",
        &key[..12]
    )
}

/// In the largest unit that fits.
fn age(age_s: u64) -> String {
    match age_s {
        0..60 => format!("{age_s} s"),
        60..3600 => format!("{} min", age_s / 60),
        3600..86_400 => format!("{} h", age_s / 3600),
        _ => format!("{} d", age_s / 86_400),
    }
}
