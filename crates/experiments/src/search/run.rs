//! Run of a search.

use ::search::{Assignment, Search, Trial};
use runner::Sandbox;
use workflow::params::Overrides;

use super::declaration::SearchFile;
use super::record;
use super::trial::{Runner, TrialResult};
use crate::error::Result;
use crate::repro::Repro;

/// A running search: trial after trial, each given to the sampler before it draws the next.
#[derive(Debug)]
pub struct SearchRun<'a> {
    search: &'a SearchFile,
    sampler: Search,
    /// Changes of parameters that all trials share.
    overrides: Overrides,
    sandbox: Sandbox,
    trials: Vec<Trial>,
}

impl<'a> SearchRun<'a> {
    /// Begins a search anew. Results of earlier trials are in the cache.
    ///
    /// # Errors
    /// The trials of an earlier run with fewer trials than the record cannot be removed.
    pub fn begin(search: &'a SearchFile, overrides: Overrides, sandbox: Sandbox) -> Result<Self> {
        record::begin(search)?;
        let files = search.params_files().chain(overrides.files);
        Ok(SearchRun {
            search,
            sampler: search.search(),
            overrides: Overrides {
                files: files.collect(),
                settings: overrides.settings,
            },
            sandbox,
            trials: Vec::new(),
        })
    }

    /// The trials that have ended.
    #[must_use]
    pub fn trials(&self) -> &[Trial] {
        &self.trials
    }

    /// The params files and settings that all trials have in common.
    #[must_use]
    pub fn overrides(&self) -> &Overrides {
        &self.overrides
    }

    /// The parameters of the next trial; none at the end.
    ///
    /// # Errors
    /// The sampler cannot draw.
    pub fn next(&self) -> Result<Option<Assignment>> {
        if self.trials.len() >= self.search.declaration.trials {
            return Ok(None);
        }
        Ok(self.sampler.ask(&self.trials, 1)?.pop())
    }

    /// Runs the trial of `params` and records it.
    ///
    /// # Errors
    /// A run fails for another reason than a stage's failure, or the record cannot be written.
    pub fn run(&mut self, params: Assignment, repro: &mut Repro<'_>) -> Result<TrialResult> {
        let runner = Runner {
            search: self.search,
            overrides: &self.overrides,
            sandbox: self.sandbox,
        };
        let tried = runner.run(params, &self.trials, repro)?;
        self.trials.push(tried.trial.clone());
        record::save(self.search, &self.trials, false)?;
        Ok(tried)
    }

    /// Ends the search: its trials are the record now.
    ///
    /// # Errors
    /// The record cannot be written.
    pub fn finish(&self) -> Result<()> {
        record::save(self.search, &self.trials, true)
    }
}

#[cfg(test)]
mod tests {
    use ::search::State;

    use super::*;

    #[test]
    fn a_failed_trial_is_recorded_and_the_next_one_follows() {
        let folder = tempfile::tempdir().unwrap();
        let root = fs_err::canonicalize(folder.path()).unwrap();
        let search = "\
score = \"grade.x\"
trials = 5
method = \"grid\"
[space]
\"train.lr\" = { float = [0.25, 0.75], points = 2 }
";
        fs_err::create_dir(root.join("searches")).unwrap();
        fs_err::write(root.join("searches/lr.toml"), search).unwrap();
        let pipeline =
            "[stage.grade]\ncmd = \"echo ${train.lr} > ${out.x}\"\nout = { x = \"x\" }\n";
        fs_err::write(root.join("pipeline.toml"), pipeline).unwrap();
        fs_err::write(root.join("params.toml"), "[train]\nlr = 0.5\n").unwrap();
        let search = SearchFile::load(&root, "lr").unwrap();
        let mut run = SearchRun::begin(&search, Overrides::default(), Sandbox::default()).unwrap();
        let mut tried = Vec::new();
        while let Some(params) = run.next().unwrap() {
            let ran = run.run(params, &mut |workspace, _, _| {
                tried.push(workspace.workflow.params.leaves()["train.lr"].clone());
                Err(runner::Error::StageFailed {
                    stage: "grade".to_owned(),
                    status: "exit status: 1".to_owned(),
                    report: String::new(),
                    log: "grade.log".to_owned(),
                })
            });
            let fault = ran.unwrap().fault.unwrap().to_string();
            assert!(fault.starts_with("stage `grade` failed"), "{fault}");
        }
        assert_eq!(tried, [0.25, 0.75]);
        run.finish().unwrap();
        let trials = record::load(&search).unwrap();
        assert_eq!(trials, run.trials());
        assert!(trials.iter().all(|trial| trial.state == State::Failed));
        assert_eq!(record::best(&trials), None);
    }
}
