//! The results as a table in Markdown and as JSON.

use numeric::median;
use serde_json::{Value, json};

use crate::answer::Measurement;

/// Results of a row's work on all sides.
pub(crate) struct Row {
    /// Name of the case.
    pub(crate) case: &'static str,
    /// Sizes.
    pub(crate) size: String,
    /// Name of the figure of quality.
    pub(crate) quality: Option<&'static str>,
    /// Largest relative difference of the figures, where both sides compute the same one.
    pub(crate) tolerance: Option<f64>,
    /// Our measurements, at least one.
    pub(crate) ours: Vec<Measurement>,
    /// The peers.
    pub(crate) peers: Vec<PeerRow>,
}

/// Results of a peer.
pub(crate) struct PeerRow {
    /// Names of its packages with their versions.
    pub(crate) title: String,
    /// Largest ratio of our seconds to the peer's that is aimed at.
    pub(crate) goal: f64,
    /// Its measurements, at least one.
    pub(crate) measured: Vec<Measurement>,
}

/// Head of the table.
pub(crate) const HEAD: &str = "\
| case | work | atelier, s | peer | its s | ratio | goal | quality | atelier's | the peer's |
|---|---|---|---|---|---|---|---|---|---|";

impl Row {
    /// Lines of the table, one a peer: medians, and their ratio in bold where it misses the goal.
    pub(crate) fn markdown(&self) -> String {
        let lines = self.peers.iter().map(|peer| self.line(peer));
        lines.collect::<Vec<_>>().join("\n")
    }

    fn line(&self, peer: &PeerRow) -> String {
        let (ours, theirs) = (seconds(&self.ours), seconds(&peer.measured));
        let ratio = ours / theirs;
        let goal = match ratio <= peer.goal {
            true => format!("{ratio:.2} | ≤ {}", peer.goal),
            false => format!("**{ratio:.2}** | ≤ {}, **missed**", peer.goal),
        };
        format!(
            "| {} | {} | {} | {} | {} | {goal} | {} |",
            self.case,
            self.size,
            digits(ours),
            peer.title,
            digits(theirs),
            self.qualities(peer)
        )
    }

    fn qualities(&self, peer: &PeerRow) -> String {
        let (Some(name), Some(ours), Some(theirs)) =
            (self.quality, quality(&self.ours), quality(&peer.measured))
        else {
            return "– | – | –".to_owned();
        };
        let mark = match self.differs(ours, theirs) {
            true => ", **differs**",
            false => "",
        };
        format!("{name}{mark} | {} | {}", digits(ours), digits(theirs))
    }

    fn differs(&self, ours: f64, theirs: f64) -> bool {
        let difference = (ours - theirs).abs() / theirs.abs().max(f64::MIN_POSITIVE);
        self.tolerance
            .is_some_and(|tolerance| difference > tolerance)
    }

    /// The same as JSON, with each measurement.
    pub(crate) fn json(&self) -> Value {
        let peers = self.peers.iter().map(|peer| {
            let ratio = seconds(&self.ours) / seconds(&peer.measured);
            json!({
                "name": peer.title,
                "measured": peer.measured,
                "ratio": ratio,
                "goal": peer.goal,
                "reached": ratio <= peer.goal,
            })
        });
        json!({
            "case": self.case,
            "work": self.size,
            "quality": self.quality,
            "measured": self.ours,
            "peers": peers.collect::<Vec<_>>(),
        })
    }
}

/// Median of the seconds.
fn seconds(measured: &[Measurement]) -> f64 {
    let seconds: Vec<f64> = measured.iter().map(|one| one.seconds).collect();
    median(&seconds)
}

/// Median of the figures of quality, if each run has one.
fn quality(measured: &[Measurement]) -> Option<f64> {
    let figures: Option<Vec<f64>> = measured.iter().map(|one| one.quality).collect();
    figures.map(|figures| median(&figures))
}

/// A number with three significant digits, or all before the point.
fn digits(number: f64) -> String {
    let size = number.abs();
    let decimals = [(100.0, 0), (10.0, 1), (1.0, 2), (0.1, 3), (0.01, 4)];
    let found = decimals.iter().find(|(least, _)| size >= *least);
    format!("{number:.*}", found.map_or(5, |(_, decimals)| *decimals))
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn measured(runs: &[(f64, Option<f64>)]) -> Vec<Measurement> {
        let runs = runs.iter();
        runs.map(|&(seconds, quality)| Measurement { seconds, quality })
            .collect()
    }

    fn row(tolerance: Option<f64>, ours: &[(f64, Option<f64>)]) -> Row {
        let peer = |title: &str, goal, runs: &[(f64, Option<f64>)]| PeerRow {
            title: title.to_owned(),
            goal,
            measured: measured(runs),
        };
        Row {
            case: "inference",
            size: "32 images".to_owned(),
            quality: Some("mean logit"),
            tolerance,
            ours: measured(ours),
            peers: vec![
                peer("torch 2.15.0", 0.8, &[(2.0, Some(0.5)), (4.0, Some(0.5))]),
                peer("onnxruntime 1.32.0", 1.0, &[(2.0, Some(0.4))]),
            ],
        }
    }

    fn check(row: &Row, expected: &Expect) {
        expected.assert_eq(&row.markdown());
    }

    #[test]
    fn a_line_has_medians_their_ratio_and_missed_goals() {
        // The median of three is the middle one, of two the mean.
        let ours = [(9.0, Some(0.5)), (2.2, Some(0.5)), (0.1, Some(0.5))];
        check(
            &row(None, &ours),
            &expect![[r#"
                | inference | 32 images | 2.20 | torch 2.15.0 | 3.00 | 0.73 | ≤ 0.8 | mean logit | 0.500 | 0.500 |
                | inference | 32 images | 2.20 | onnxruntime 1.32.0 | 2.00 | **1.10** | ≤ 1, **missed** | mean logit | 0.500 | 0.400 |"#]],
        );
    }

    #[test]
    fn figures_beyond_the_tolerance_are_marked() {
        check(
            &row(Some(0.1), &[(0.0123, Some(0.52))]),
            &expect![[r#"
                | inference | 32 images | 0.0123 | torch 2.15.0 | 3.00 | 0.00 | ≤ 0.8 | mean logit | 0.520 | 0.500 |
                | inference | 32 images | 0.0123 | onnxruntime 1.32.0 | 2.00 | 0.01 | ≤ 1 | mean logit, **differs** | 0.520 | 0.400 |"#]],
        );
    }

    #[test]
    fn a_row_without_quality_has_none() {
        let line = row(None, &[(120.0, None)]).markdown();
        let first = line.lines().next().unwrap();
        assert_eq!(
            first,
            "| inference | 32 images | 120 | torch 2.15.0 | 3.00 | **40.00** | ≤ 0.8, **missed** | – | – | – |"
        );
    }

    #[test]
    fn rows_fit_the_head() {
        let line = row(None, &[(1.0, None)]).markdown();
        let columns = |line: &str| line.matches('|').count();
        assert!(
            HEAD.lines()
                .chain(line.lines())
                .all(|line| columns(line) == 11)
        );
    }

    #[test]
    fn json_has_each_measurement() {
        let json = row(None, &[(1.0, None), (3.0, None)]).json();
        assert_eq!(json["measured"][1]["seconds"], 3.0);
        assert_eq!(json["peers"][1]["ratio"], 1.0);
        assert_eq!(json["peers"][1]["reached"], true);
    }
}
