//! Rounds of a case: ours and each peer in turns, so that other load of the machine affects all.

use std::collections::BTreeSet;

use anyhow::{Context, bail};
use serde_json::json;

use crate::answer::{Answer, Measurement};
use crate::case::{Case, Peer, Work};
use crate::python::Python;
use crate::table::{PeerRow, Row};
use crate::workbench::Workbench;

/// Measures a case: its rows, and a line for each peer that Python lacks.
///
/// # Errors
/// A side fails.
pub(crate) fn measure(
    case: &Case,
    bench: &Workbench,
    python: &mut Python,
    repeats: usize,
) -> anyhow::Result<(Vec<Row>, BTreeSet<String>)> {
    let (mut rows, mut skipped) = (Vec::new(), BTreeSet::new());
    for work in (case.prepare)(bench)? {
        let mut present = Vec::new();
        for peer in case.peers {
            match prepare(peer, &work, python)? {
                Prepared::Ready(title) => present.push((peer, title)),
                Prepared::Missing(package) => {
                    skipped.insert(format!(
                        "skipped `{}` beside {}: Python has no package `{package}`; `--install` brings it",
                        case.name, peer.name
                    ));
                }
            }
        }
        if !present.is_empty() {
            rows.push(rounds(case, work, present, python, repeats)?);
        }
    }
    Ok((rows, skipped))
}

/// A peer before its first run.
enum Prepared {
    /// The inputs are read; name and versions of its packages.
    Ready(String),
    /// Python lacks this package.
    Missing(String),
}

fn prepare(peer: &Peer, work: &Work, python: &mut Python) -> anyhow::Result<Prepared> {
    let request = json!({ "prepare": peer.function, "inputs": &work.request });
    match python.ask(&request)? {
        Answer::Prepared(versions) => {
            let versions = versions
                .iter()
                .map(|(name, version)| format!("{name} {version}"));
            Ok(Prepared::Ready(versions.collect::<Vec<_>>().join(", ")))
        }
        Answer::Missing(package) => Ok(Prepared::Missing(package)),
        Answer::Failed(message) => bail!("{} cannot read its inputs: {message}", peer.name),
        Answer::Measured(_) => bail!("`peers.py` answered seconds to a preparation"),
    }
}

/// All rounds of a row; a round that warms up doesn't count.
fn rounds(
    case: &Case,
    mut work: Work,
    present: Vec<(&'static Peer, String)>,
    python: &mut Python,
    repeats: usize,
) -> anyhow::Result<Row> {
    let mut row = Row {
        case: case.name,
        size: work.size,
        quality: case.quality.map(|quality| quality.name),
        tolerance: case.quality.and_then(|quality| quality.tolerance),
        ours: Vec::new(),
        peers: Vec::new(),
    };
    for (peer, title) in &present {
        row.peers.push(PeerRow {
            title: title.clone(),
            goal: peer.goal,
            measured: Vec::new(),
        });
    }
    let n_rounds = repeats + usize::from(work.warm_up);
    for round in 0..n_rounds {
        let counts = round > 0 || !work.warm_up;
        let ours = (work.ours)().context("our side failed")?;
        let mut seconds = format!("atelier {:.2} s", ours.seconds);
        row.ours.extend(counts.then_some(ours));
        for ((peer, _), row) in present.iter().zip(&mut row.peers) {
            let measured = run(peer, python)?;
            seconds += &format!(", {} {:.2} s", peer.name, measured.seconds);
            row.measured.extend(counts.then_some(measured));
        }
        eprintln!("{} {} of {n_rounds}: {seconds}", case.name, round + 1);
    }
    Ok(row)
}

fn run(peer: &Peer, python: &mut Python) -> anyhow::Result<Measurement> {
    match python.ask(&json!({ "run": peer.function }))? {
        Answer::Measured(measured) => Ok(measured),
        Answer::Failed(message) => bail!("{} failed: {message}", peer.name),
        Answer::Missing(package) => bail!("{} lacks `{package}` in a run", peer.name),
        Answer::Prepared(_) => bail!("`peers.py` answered a preparation to a run"),
    }
}
