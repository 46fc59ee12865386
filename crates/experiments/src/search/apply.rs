//! Making a trial of a search the current state.

use std::path::PathBuf;

use ::search::{Assignment, State};
use workflow::declaration::Declaration;
use workflow::params;

use super::declaration::SearchFile;
use super::record;
use crate::error::{Error, Result};
use crate::params_file;

/// Writes the parameters of a trial, or of the best, into the last of the search's params files, else into the file of
/// those that hold by default. Returns the file, from the workspace root, and the settings.
///
/// # Errors
/// The search never ran, has no such trial or none with a score, the trial isn't complete, or the file cannot be written.
pub fn apply(search: &SearchFile, number: Option<usize>) -> Result<(PathBuf, Assignment)> {
    let trials = record::load(search)?;
    let number = number.or_else(|| record::best(&trials));
    let number = number.ok_or(Error::NoScore)?;
    let trial = trials
        .get(number)
        .ok_or(Error::UnknownTrial(trials.len()))?;
    if trial.state != State::Complete {
        return Err(Error::IncompleteTrial {
            number,
            state: trial.state.name(),
        });
    }
    let file = match search.declaration.params.last() {
        Some(file) => file.clone(),
        None => params::current_file(&Declaration::load(&search.root)?).to_owned(),
    };
    let settings = search.settings(&trial.params);
    let values = settings.iter().map(|(key, value)| {
        let value = serde_json::to_value(value).unwrap_or_default();
        (key.as_str(), value)
    });
    let shown = file.display().to_string();
    params_file::write(&search.root.join(&file), &shown, values)?;
    Ok((file, settings))
}

#[cfg(test)]
mod tests {
    use ::search::{Trial, Value};

    use super::*;

    #[test]
    fn the_best_trial_is_written_into_the_params_file() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let write = |name: &str, text: &str| {
            let path = root.join(name);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, text).unwrap();
        };
        let declaration = "\
score = \"grade.x\"
trials = 2
method = \"grid\"
params = [\"mine.toml\"]
[space]
\"train.lr\" = { float = [0.1, 0.2], points = 2 }
[follow.\"train.lr\".\"0.2\"]
\"train.epochs\" = 9
";
        write("searches/lr.toml", declaration);
        write("pipeline.toml", "");
        write("mine.toml", "[train]\nlr = 0.5 # slow\n");
        let search = SearchFile::load(root, "lr").unwrap();
        let params = |lr: f64| Assignment::from([("train.lr".to_owned(), Value::Float(lr))]);
        let failed = Trial {
            state: State::Failed,
            score: None,
            ..Trial::running(params(0.1))
        };
        let trials = [failed, Trial::complete(params(0.2), 0.7)];
        record::save(&search, &trials, true).unwrap();
        let error = |number| apply(&search, Some(number)).unwrap_err().to_string();
        assert_eq!(error(0), "trial 0 is failed, not complete");
        assert_eq!(error(2), "the search has 2 trials");
        let (file, settings) = apply(&search, None).unwrap();
        assert_eq!(file, PathBuf::from("mine.toml"));
        assert_eq!(settings.len(), 2);
        let text = fs_err::read_to_string(root.join(file)).unwrap();
        assert_eq!(text, "[train]\nlr = 0.2 # slow\nepochs = 9\n");
    }
}
