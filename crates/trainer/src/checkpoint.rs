//! The state of a training after an epoch, from which a killed run continues to the same end.
//!
//! A checkpoint is a record, `checkpoint.json`, and the files whose digests it lists: what the network said in each
//! epoch (`outputs-…`), the network and the optimizer's moments after the last epoch (`state-…`), and the best model
//! so far (`model-…`). The record is moved into place last, so a kill at any moment leaves the previous checkpoint whole.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use model::Network;
use safetensors::serialize_to_file;
use serde::{Deserialize, Serialize};
use table_history::History;
use table_timings::Timing;
use tracing::warn;

use crate::adam::Adam;
use crate::{Outputs, Split, TrainError};

const RECORD: &str = "checkpoint.json";
/// Before the names of the network's tensors, to tell them from the moments.
const NETWORK: &str = "network.";

/// How far a training has come.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Course {
    /// A row for each epoch done; one of them is the best.
    pub history: Vec<History>,
    /// A row for each epoch done.
    pub timings: Vec<Timing>,
}

impl Course {
    /// How many epochs are done.
    pub fn epochs(&self) -> usize {
        self.history.len()
    }

    /// The epoch of the highest score, the earliest of equals.
    pub fn best(&self) -> Option<&History> {
        self.history.iter().find(|row| row.best)
    }

    /// Adds an epoch; it becomes the best if it scores higher than all before.
    pub fn push(&mut self, mut row: History, timing: Timing) {
        row.best = self.best().is_none_or(|best| row.score > best.score);
        if row.best {
            self.history.iter_mut().for_each(|row| row.best = false);
        }
        self.history.push(row);
        self.timings.push(timing);
    }
}

/// Everything that the results of a training depend on, beside the inputs that its key has.
#[derive(Debug, Serialize)]
pub struct Identity<'a, P> {
    /// Parameters, under their names.
    pub params: &'a P,
    /// Classes and subsets of the images.
    pub split: &'a Split,
}

/// The checkpoints of one training, in a folder of their own.
pub struct Checkpoints {
    folder: PathBuf,
    identity: String,
    digests: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
struct Record {
    identity: String,
    steps: usize,
    course: Course,
    digests: BTreeMap<String, String>,
}

impl Checkpoints {
    /// The checkpoints in `folder`, which is created; all else in it is removed as checkpoints are saved.
    ///
    /// A checkpoint of a training whose `identity` is serialized otherwise is not continued.
    ///
    /// # Errors
    /// The folder cannot be created, or the identity cannot be serialized.
    pub fn open(folder: &Path, identity: &impl Serialize) -> Result<Self, TrainError> {
        fs_err::create_dir_all(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
            identity: blake3::hash(&serde_json::to_vec(identity)?).to_string(),
            digests: BTreeMap::new(),
        })
    }

    /// Brings `network` and `adam` to the latest checkpoint and returns how far it had come: no epoch if there is none,
    /// or, with a warning, if it is damaged or another training's.
    ///
    /// # Errors
    /// The device fails.
    pub fn resume(&mut self, network: &mut Network, adam: &mut Adam) -> Result<Course, TrainError> {
        if !self.folder.join(RECORD).exists() {
            return Ok(Course::default());
        }
        match self.read() {
            Ok((record, state)) => {
                restore(network, adam, state, record.steps)?;
                self.digests = record.digests;
                Ok(record.course)
            }
            Err(reason) => {
                warn!("starting anew: the checkpoint cannot be used: {reason}");
                Ok(Course::default())
            }
        }
    }

    /// Saves the state after the last epoch of `course`, in which the network gave `outputs`.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn save(
        &mut self,
        course: &Course,
        outputs: &Outputs,
        network: &Network,
        adam: &Adam,
    ) -> Result<(), TrainError> {
        let epoch = course.epochs() - 1;
        outputs.save(&self.outputs_path(epoch))?;
        self.note(&outputs_name(epoch))?;

        self.digests.retain(|name, _| !name.starts_with("state-"));
        let mut state = adam.state();
        let network_state = network.state()?.into_iter();
        state.extend(network_state.map(|(name, tensor)| (format!("{NETWORK}{name}"), tensor)));
        serialize_to_file(state, None, &self.folder.join(state_name(epoch)))?;
        self.note(&state_name(epoch))?;

        if course.history[epoch].best {
            self.digests.retain(|name, _| !name.starts_with("model-"));
            network.save(&self.folder.join(model_name(epoch)))?;
            self.note(&model_name(epoch))?;
        }
        self.commit(course, adam.steps())?;
        self.sweep()
    }

    /// Where the best model of `course` is.
    pub fn model_path(&self, best: &History) -> PathBuf {
        self.folder.join(model_name(best.epoch as usize))
    }

    /// Where the outputs of an epoch that is done are.
    pub fn outputs_path(&self, epoch: usize) -> PathBuf {
        self.folder.join(outputs_name(epoch))
    }

    fn read(&self) -> Result<(Record, BTreeMap<String, Tensor>), TrainError> {
        let record: Record = serde_json::from_slice(&fs_err::read(self.folder.join(RECORD))?)?;
        if record.identity != self.identity {
            return Err(TrainError::OtherTraining);
        }
        for (name, digest) in &record.digests {
            if self.digest(name)? != *digest {
                return Err(TrainError::DamagedCheckpoint(name.clone()));
            }
        }
        let last = state_name(record.course.epochs().saturating_sub(1));
        let state = candle_core::safetensors::load(self.folder.join(last), &Device::Cpu)?;
        Ok((record, state.into_iter().collect()))
    }

    /// Makes what was noted the latest checkpoint.
    fn commit(&self, course: &Course, steps: usize) -> Result<(), TrainError> {
        let record = Record {
            identity: self.identity.clone(),
            steps,
            course: course.clone(),
            digests: self.digests.clone(),
        };
        let aside = self.folder.join(format!("{RECORD}.aside"));
        fs_err::write(&aside, serde_json::to_vec(&record)?)?;
        fs_err::rename(&aside, self.folder.join(RECORD))?;
        Ok(())
    }

    /// Removes what the latest checkpoint doesn't list.
    fn sweep(&self) -> Result<(), TrainError> {
        for entry in fs_err::read_dir(&self.folder)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name != RECORD && !self.digests.contains_key(&name) {
                fs_err::remove_file(self.folder.join(name))?;
            }
        }
        Ok(())
    }

    fn note(&mut self, name: &str) -> Result<(), TrainError> {
        let digest = self.digest(name)?;
        self.digests.insert(name.to_owned(), digest);
        Ok(())
    }

    fn digest(&self, name: &str) -> Result<String, TrainError> {
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(fs_err::File::open(self.folder.join(name))?)?;
        Ok(hasher.finalize().to_string())
    }
}

fn restore(
    network: &mut Network,
    adam: &mut Adam,
    state: BTreeMap<String, Tensor>,
    steps: usize,
) -> Result<(), TrainError> {
    adam.set_state(&state, steps)?;
    let network_state = state
        .into_iter()
        .filter_map(|(name, tensor)| Some((name.strip_prefix(NETWORK)?.to_owned(), tensor)))
        .collect();
    network.set_state(&network_state)?;
    Ok(())
}

fn outputs_name(epoch: usize) -> String {
    format!("outputs-{epoch:05}.safetensors")
}

fn state_name(epoch: usize) -> String {
    format!("state-{epoch:05}.safetensors")
}

fn model_name(epoch: usize) -> String {
    format!("model-{epoch:05}.safetensors")
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tables::Subset;

    use super::*;

    fn course(scores: &[f64]) -> Course {
        let mut course = Course::default();
        for (epoch, &score) in (0..).zip(scores) {
            let row = History {
                fold: 0,
                epoch,
                learning_rate: 1e-4,
                train_loss: 0.1 + 0.2,
                validation_loss: 1.0 / 3.0,
                test_loss: None,
                score,
                best: false,
            };
            let timing = Timing {
                fold: 0,
                epoch,
                train_s: 1.0,
                evaluate_s: 1.0,
            };
            course.push(row, timing);
        }
        course
    }

    #[test]
    fn the_earliest_of_the_highest_scores_is_the_best() {
        assert_eq!(course(&[0.5, 0.7, 0.6, 0.7]).best().unwrap().epoch, 1);
        assert_eq!(course(&[0.0, 0.0]).best().unwrap().epoch, 0);
        let rows = course(&[0.5, 0.7, 0.8]).history;
        assert_eq!(rows.iter().filter(|row| row.best).count(), 1);
        assert!(course(&[]).best().is_none());
    }

    #[test]
    fn an_identity_is_its_serialization() {
        let split = Split {
            fold: 0,
            classes: vec!["a".to_owned(), "b".to_owned()],
            codes: vec![0, 1],
            subsets: vec![Subset::Train, Subset::Validation],
        };
        let identity = |params: &serde_json::Value, split: &Split| {
            let folder = tempfile::tempdir().unwrap();
            let identity = Identity { params, split };
            let checkpoints = Checkpoints::open(folder.path(), &identity).unwrap();
            checkpoints.identity
        };
        let params = json!({ "lr": 0.1 });
        let expected = r#"{"params":{"lr":0.1},"split":{"fold":0,"classes":["a","b"],"codes":[0,1],"subsets":["train","validation"]}}"#;
        let expected = blake3::hash(expected.as_bytes()).to_string();
        assert_eq!(identity(&params, &split), expected);
        assert_ne!(identity(&json!({ "lr": 0.2 }), &split), expected);
        let other = Split { fold: 1, ..split };
        assert_ne!(identity(&params, &other), expected);
    }

    #[test]
    fn a_record_keeps_every_bit_of_a_loss() {
        let course = course(&[0.1, 1.0 / 7.0, 2.0 / 3.0]);
        let text = serde_json::to_string(&course).unwrap();
        assert_eq!(serde_json::from_str::<Course>(&text).unwrap(), course);
    }
}
