//! The document of `doctor`: facts, measurements and verdict.

use serde::Serialize;

use crate::comparison::{Check, Row};
use crate::facts::{Facts, Processor};
use crate::step::Step;

/// The document.
#[derive(Clone, Debug, Serialize)]
pub struct Document {
    /// Facts of machine and repository.
    #[serde(flatten)]
    pub facts: Facts,
    /// The processor.
    pub processor: Processor,
    /// The side that is compared with the CPU's kernels.
    pub target: Target,
    /// Operations.
    pub operations: Vec<Row>,
    /// The training step of the device check, with its worst result.
    pub device_check: Check,
    /// The training step of the configured network.
    pub step: Step,
    /// Estimated peak memory of the configured step on a GPU.
    pub peak_gib: f64,
    /// The verdict.
    pub verdict: Verdict,
}

/// The side that is compared with the CPU's kernels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Target {
    /// Device class that was requested.
    pub requested: String,
    /// Device class that was measured; `cpu` is the reference backend there.
    pub device: String,
    /// Reason why the requested device wasn't measured.
    pub failure: Option<String>,
}

impl Target {
    /// A word for the columns of the table.
    #[must_use]
    pub fn label(&self) -> &str {
        match self.device.as_str() {
            "cpu" => "reference",
            device => device,
        }
    }

    /// The side in words.
    #[must_use]
    pub fn words(&self) -> String {
        match self.device.as_str() {
            "cpu" => "the reference backend on the CPU".to_owned(),
            device => device.to_owned(),
        }
    }
}

/// The verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// True if all results are those of the CPU, and the requested device was measured.
    pub is_sound: bool,
    /// A line: the worst result and its cure, if there is one.
    pub text: String,
}

impl Verdict {
    /// The verdict on `target` by its checks, each with a name.
    #[must_use]
    pub fn of(target: &Target, checks: &[(String, &Check)]) -> Self {
        let unsound = checks.iter().filter(|(_, check)| !check.is_sound);
        let worst = unsound.max_by(|(_, a), (_, b)| a.excess().total_cmp(&b.excess()));
        let cure = match target.device.as_str() {
            "cpu" => "report it with this output",
            _ => "`--set device=cpu` trains on the CPU",
        };
        let text = match (worst, &target.failure) {
            (Some((name, check)), _) => format!("{} is wrong: {}; {cure}", name, fault(check)),
            (None, Some(failure)) => {
                let requested = &target.requested;
                format!(
                    "{requested} cannot be used: {failure}; `--set device=cpu` trains on the CPU"
                )
            }
            (None, None) => format!(
                "sound: {} has the results of the CPU's kernels in all {} comparisons",
                target.words(),
                checks.len()
            ),
        };
        Self {
            is_sound: worst.is_none() && target.failure.is_none(),
            text,
        }
    }
}

/// The fault of an unsound check.
pub(crate) fn fault(check: &Check) -> String {
    match (&check.failure, check.worst()) {
        (Some(failure), _) => failure.clone(),
        (None, Some(worst)) => format!(
            "{} differs from the kernels' by {:.1e}, expected at most {:.0e}",
            worst.result, worst.error, check.tolerance
        ),
        (None, None) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comparison::ResultError;

    fn check(error: f64, tolerance: f64) -> Check {
        let result = "gradient of weight".to_owned();
        Check::of_errors(vec![ResultError { result, error }], tolerance)
    }

    fn target(device: &str) -> Target {
        Target {
            requested: device.to_owned(),
            device: device.to_owned(),
            failure: None,
        }
    }

    #[test]
    fn the_worst_is_the_farthest_beyond_its_tolerance() {
        let [sound, pool, step] = [check(1e-6, 1e-4), check(1e-3, 1e-5), check(6e-2, 5e-2)];
        let checks = [("linear", &sound), ("max-pool", &pool), ("the step", &step)];
        let checks = checks.map(|(name, check)| (name.to_owned(), check));
        let verdict = Verdict::of(&target("metal"), &checks);
        assert!(!verdict.is_sound);
        assert_eq!(
            verdict.text,
            "max-pool is wrong: gradient of weight differs from the kernels' by 1.0e-3, expected at most 1e-5; \
             `--set device=cpu` trains on the CPU"
        );
        let verdict = Verdict::of(&target("metal"), &checks[..1]);
        assert!(
            verdict.is_sound && verdict.text.starts_with("sound: metal"),
            "{verdict:?}"
        );
        let verdict = Verdict::of(&target("cpu"), &checks);
        assert!(
            verdict.text.ends_with("; report it with this output"),
            "{verdict:?}"
        );
    }

    #[test]
    fn a_failure_is_worse_than_any_error() {
        let (failed, wrong) = (
            Check::failed("no kernel".to_owned(), 1e-4),
            check(0.5, 1e-5),
        );
        let checks = [("linear".to_owned(), &failed), ("ReLU".to_owned(), &wrong)];
        let verdict = Verdict::of(&target("cuda"), &checks);
        assert!(
            verdict.text.starts_with("linear is wrong: no kernel; "),
            "{verdict:?}"
        );
        let unopened = Target {
            failure: Some("no driver".to_owned()),
            requested: "cuda".to_owned(),
            ..target("cpu")
        };
        let verdict = Verdict::of(&unopened, &[]);
        assert!(!verdict.is_sound);
        assert!(
            verdict.text.starts_with("cuda cannot be used: no driver; "),
            "{verdict:?}"
        );
    }
}
