//! Facts of the run, which differ between runs of the same study and stand in a file beside the page.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;
use stage::Facts;
use table_io::Reader;
use table_timings::Timing;

use crate::ReportError;
use crate::draw::format::counted;

/// Seconds of a day.
const DAY_S: u64 = 24 * 60 * 60;

/// Facts of a run: date, device, training time, versions.
#[derive(Clone, Debug, Default)]
pub struct RunFacts {
    /// Seconds since 1970-01-01, UTC.
    unix_s: u64,
    /// Version, commit and device.
    facts: Facts,
    /// Seconds of training and evaluation by fold.
    folds: BTreeMap<u32, f64>,
}

impl RunFacts {
    /// Facts of this run, with the times of trainings in tables `timings`.
    ///
    /// # Errors
    /// A table cannot be read.
    pub fn find(timings: &[PathBuf]) -> Result<Self, ReportError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let mut folds = BTreeMap::new();
        for path in timings {
            for row in Reader::<Timing>::new(path).read()? {
                *folds.entry(row.fold).or_insert(0.0) += row.train_s + row.evaluate_s;
            }
        }
        Ok(Self {
            unix_s: now.map_or(0, |now| now.as_secs()),
            facts: Facts::find(),
            folds,
        })
    }

    /// A script that gives the page the facts as texts by name.
    #[must_use]
    pub fn script(&self) -> String {
        let mut facts = vec![("date of the report", date(self.unix_s))];
        if !self.folds.is_empty() {
            let total = duration(self.folds.values().sum());
            let folds = counted(self.folds.len(), "fold");
            facts.push((
                "training time",
                format!("{total} for {folds}, one after another"),
            ));
        }
        let known = [
            ("device", &self.facts.device),
            ("version of atelier", &self.facts.version),
            ("commit", &self.facts.commit),
        ];
        facts.extend(
            known
                .into_iter()
                .filter_map(|(name, value)| Some((name, value.clone()?))),
        );
        let lines: Vec<String> = { facts.into_iter() }
            .map(|(name, value)| format!("  {}: {}", Value::from(name), Value::from(value)))
            .collect();
        format!("window.run = {{\n{},\n}};\n", lines.join(",\n"))
    }
}

/// Date and time in UTC, as `2026-11-28 09:05 UTC`.
fn date(unix_s: u64) -> String {
    let (days, minutes) = (unix_s / DAY_S, unix_s % DAY_S / 60);
    let (year, month, day) = civil(days);
    format!(
        "{year}-{month:02}-{day:02} {:02}:{:02} UTC",
        minutes / 60,
        minutes % 60
    )
}

/// Year, month and day of a number of days since 1970-01-01 (H. Hinnant, "chrono-compatible low-level date algorithms",
/// `civil_from_days`): years begin in March, so that a leap day is the last.
fn civil(days: u64) -> (u64, u64, u64) {
    const DAYS_OF_400_YEARS: u64 = 146_097;
    let days = days + 719_468;
    let (era, day) = (days / DAYS_OF_400_YEARS, days % DAYS_OF_400_YEARS);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day_of_month = day - (153 * month + 2) / 5 + 1;
    let of_year = if month < 10 { month + 3 } else { month - 9 };
    (
        400 * era + year + u64::from(of_year <= 2),
        of_year,
        day_of_month,
    )
}

/// A duration as `1 h 2 min` or `2 min 3 s`.
fn duration(seconds: f64) -> String {
    let whole = seconds.round().max(0.0);
    let (hours, minutes) = ((whole / 3600.0).floor(), (whole % 3600.0 / 60.0).floor());
    match (hours > 0.0, minutes > 0.0) {
        (true, _) => format!("{hours:.0} h {minutes:.0} min"),
        (false, true) => format!("{minutes:.0} min {:.0} s", whole % 60.0),
        (false, false) => format!("{whole:.0} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        let dates = [0, 951_782_400, 1_795_856_700, 4_107_542_399].map(date);
        let expected = [
            "1970-01-01 00:00 UTC",
            "2000-02-29 00:00 UTC",
            "2026-11-28 09:05 UTC",
            "2100-02-28 23:59 UTC",
        ];
        assert_eq!(dates, expected);
    }

    #[test]
    fn durations_have_two_units() {
        let texts = [0.4, 59.6, 123.0, 3_720.0, 100_000.0].map(duration);
        assert_eq!(
            texts,
            ["0 s", "1 min 0 s", "2 min 3 s", "1 h 2 min", "27 h 46 min"]
        );
    }

    #[test]
    fn the_script_has_the_known_facts() {
        let run = RunFacts {
            unix_s: 0,
            facts: Facts {
                device: Some("cpu".to_owned()),
                commit: Some("\"quoted\"".to_owned()),
                version: None,
            },
            folds: [(0, 60.0), (1, 65.5)].into(),
        };
        let expected = "window.run = {\n  \"date of the report\": \"1970-01-01 00:00 UTC\",\n  \
            \"training time\": \"2 min 6 s for 2 folds, one after another\",\n  \"device\": \"cpu\",\n  \
            \"commit\": \"\\\"quoted\\\"\",\n};\n";
        assert_eq!(run.script(), expected);
    }
}
