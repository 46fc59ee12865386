//! The state of a training after an epoch, from which a killed run continues to the same end.
//!
//! A checkpoint is a record, `checkpoint.json`, and the files whose digests it lists: the outputs of each epoch
//! (`outputs-…`), the network, its average and the optimizer's moments after the last epoch (`state-…`), and the saved model
//! so far (`model-…`). The record is renamed last, so a kill at any moment leaves the previous checkpoint whole.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use safetensors::serialize_to_file;
use serde::{Deserialize, Serialize};
use table_history::History;
use tracing::warn;

use crate::state::TrainingState;
use crate::{FoldSplit, Outputs, TrainError, TrainingHistory};

const RECORD: &str = "checkpoint.json";

/// Dependencies of a training's results, beside the inputs in its key.
#[derive(Debug, Serialize)]
pub struct Identity<'a, P> {
    /// Parameters, under their names.
    pub params: &'a P,
    /// Classes and subsets of the images.
    pub split: &'a FoldSplit,
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
    history: TrainingHistory,
    digests: BTreeMap<String, String>,
}

impl Checkpoints {
    /// Checkpoints in `folder`, which is created; other files in it are removed as checkpoints are saved.
    ///
    /// A checkpoint of a training with another serialized `identity` is not continued.
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

    /// Restores `state` from the latest checkpoint and returns its history: no epoch if there is none, or, with a warning,
    /// if it is damaged or of another training.
    ///
    /// # Errors
    /// The device fails.
    pub(crate) fn resume(
        &mut self,
        state: &mut TrainingState<'_>,
    ) -> Result<TrainingHistory, TrainError> {
        if !self.folder.join(RECORD).exists() {
            return Ok(TrainingHistory::default());
        }
        match self.read() {
            Ok((record, tensors)) => {
                state.restore(&tensors, record.steps)?;
                self.digests = record.digests;
                Ok(record.history)
            }
            Err(reason) => {
                warn!("starting anew: the checkpoint cannot be used: {reason}");
                Ok(TrainingHistory::default())
            }
        }
    }

    /// Saves the state after the last epoch of `history`, with the `outputs` of the network in it.
    ///
    /// # Errors
    /// A file cannot be written.
    pub(crate) fn save(
        &mut self,
        history: &TrainingHistory,
        outputs: &Outputs,
        state: &TrainingState<'_>,
    ) -> Result<(), TrainError> {
        let epoch = history.n_epochs() - 1;
        outputs.save(&self.outputs_path(epoch))?;
        self.add_digest(&outputs_name(epoch))?;

        self.digests.retain(|name, _| !name.starts_with("state-"));
        let path = self.folder.join(state_name(epoch));
        serialize_to_file(state.tensors()?, None, &path)?;
        self.add_digest(&state_name(epoch))?;

        if history.epochs[epoch].best {
            self.digests.retain(|name, _| !name.starts_with("model-"));
            let path = self.folder.join(model_name(epoch));
            state.evaluated().save(&path)?;
            self.add_digest(&model_name(epoch))?;
        }
        self.commit(history, state.optimizer_steps())?;
        self.remove_unlisted()
    }

    /// Path of the saved model of a history.
    pub fn model_path(&self, best: &History) -> PathBuf {
        self.folder.join(model_name(best.epoch as usize))
    }

    /// Path of the outputs of a finished epoch.
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
        let last = state_name(record.history.n_epochs().saturating_sub(1));
        let state = candle_core::safetensors::load(self.folder.join(last), &Device::Cpu)?;
        Ok((record, state.into_iter().collect()))
    }

    /// Writes the record that makes the listed files the latest checkpoint.
    fn commit(&self, history: &TrainingHistory, steps: usize) -> Result<(), TrainError> {
        let record = Record {
            identity: self.identity.clone(),
            steps,
            history: history.clone(),
            digests: self.digests.clone(),
        };
        let temporary = self.folder.join(format!("{RECORD}.temporary"));
        fs_err::write(&temporary, serde_json::to_vec(&record)?)?;
        fs_err::rename(&temporary, self.folder.join(RECORD))?;
        Ok(())
    }

    /// Removes files that the latest checkpoint doesn't list.
    fn remove_unlisted(&self) -> Result<(), TrainError> {
        for entry in fs_err::read_dir(&self.folder)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name != RECORD && !self.digests.contains_key(&name) {
                fs_err::remove_file(self.folder.join(name))?;
            }
        }
        Ok(())
    }

    fn add_digest(&mut self, name: &str) -> Result<(), TrainError> {
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

    #[test]
    fn an_identity_is_its_serialization() {
        let split = FoldSplit {
            fold: 0,
            classes: vec!["a".to_owned(), "b".to_owned()],
            class_indices: vec![0, 1],
            subsets: vec![Subset::Train, Subset::Validation],
        };
        let identity = |params: &serde_json::Value, split: &FoldSplit| {
            let folder = tempfile::tempdir().unwrap();
            let identity = Identity { params, split };
            let checkpoints = Checkpoints::open(folder.path(), &identity).unwrap();
            checkpoints.identity
        };
        let params = json!({ "lr": 0.1 });
        let expected = r#"{"params":{"lr":0.1},"split":{"fold":0,"classes":["a","b"],"class_indices":[0,1],"subsets":["train","validation"]}}"#;
        let expected = blake3::hash(expected.as_bytes()).to_string();
        assert_eq!(identity(&params, &split), expected);
        assert_ne!(identity(&json!({ "lr": 0.2 }), &split), expected);
        let other = FoldSplit { fold: 1, ..split };
        assert_ne!(identity(&params, &other), expected);
    }
}
