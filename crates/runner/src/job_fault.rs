//! The fault of a job, as its stage reports it.

use std::fmt;

use protocol::Fault;

/// A fault of a stage's job, in words for people.
#[derive(Debug)]
pub struct JobFault {
    /// Name of the stage.
    pub stage: String,
    /// The fault.
    pub fault: Fault,
}

impl std::error::Error for JobFault {}

impl fmt::Display for JobFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let JobFault { stage, fault } = self;
        let (part, reason) = (fault.part(), fault.reason());
        match (fault, fault.place()) {
            (_, None) => write!(f, "stage `{stage}` lacks one of its {part}s: {reason}"),
            (Fault::Unknown { key, expected, .. }, _) if !expected.is_empty() => {
                let name = key.rsplit('.').next().unwrap_or(key);
                let hint = nearest_name::hint(name, expected.iter().map(String::as_str));
                write!(f, "stage `{stage}` has no {part} `{key}`{hint}")
            }
            (_, Some(place)) => {
                write!(f, "stage `{stage}` cannot use {part} `{place}`: {reason}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use protocol::Part;

    use super::*;

    fn unknown(part: Part, key: &str, expected: &[&str]) -> Fault {
        Fault::Unknown {
            part,
            key: key.to_owned(),
            expected: expected.iter().map(|&name| name.to_owned()).collect(),
        }
    }

    fn missing(key: &str) -> Fault {
        Fault::Missing {
            part: Part::Parameter,
            key: key.to_owned(),
        }
    }

    #[test]
    fn faults_are_worded_for_people() {
        let found = |fault: Fault| {
            let stage = "train".to_owned();
            JobFault { stage, fault }.to_string()
        };
        assert_eq!(
            found(unknown(Part::Parameter, "adam.bta1", &["beta1", "beta2"])),
            "stage `train` has no parameter `adam.bta1`; did you mean `beta1`?"
        );
        assert_eq!(
            found(unknown(Part::Output, "x", &["model", "history"])),
            "stage `train` has no output `x`; expected one of `model`, `history`"
        );
        assert_eq!(
            found(unknown(Part::Input, "x", &[])),
            "stage `train` cannot use input `x`: unknown field `x`, there are no fields"
        );
        assert_eq!(
            found(missing("epochs")),
            "stage `train` lacks one of its parameters: missing field `epochs`"
        );
        assert_eq!(
            found(missing("adam.beta1")),
            "stage `train` cannot use parameter `adam`: missing field `beta1`"
        );
        let unusable = |key: Option<&str>| Fault::Unusable {
            part: Part::Parameter,
            key: key.map(str::to_owned),
            reason: "invalid type: null, expected u32".to_owned(),
        };
        assert_eq!(
            found(unusable(Some("epochs"))),
            "stage `train` cannot use parameter `epochs`: invalid type: null, expected u32"
        );
        assert_eq!(
            found(unusable(None)),
            "stage `train` lacks one of its parameters: invalid type: null, expected u32"
        );
    }
}
