//! Jobs of stages that train.

use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;

use serde_json::{Value, json};

use crate::study::{Job, Study};

impl Study {
    /// The inputs of a training from random weights.
    pub(crate) fn inputs(&self) -> Value {
        json!({
            "annotations": self.path("annotations"), "folds": self.path("folds"), "pixels": self.path("pixels"),
            "weights": null,
        })
    }
}

pub(crate) fn augmentation() -> Value {
    json!({
        "crop_area": 1.0, "trivial": false, "rotation_deg": 45.0, "flip": true, "brightness": 0.25, "contrast": 0.25, "saturation": 0.25,
        "erase_probability": 0.5,
    })
}

impl Job {
    /// Folder of the checkpoints.
    pub(crate) fn checkpoint(&self) -> PathBuf {
        self.file.with_file_name("scratch").join("checkpoint")
    }

    /// Kills the stage as soon as it has a checkpoint.
    pub(crate) fn kill_after_a_checkpoint(&self) {
        let mut stage = self.start(2);
        while !self.checkpoint().join("checkpoint.json").exists() {
            assert!(
                stage.try_wait().unwrap().is_none(),
                "the stage ended before it was killed"
            );
            sleep(Duration::from_millis(2));
        }
        stage.kill().unwrap();
        assert!(
            !stage.wait().unwrap().success(),
            "the stage ended before it was killed"
        );
    }
}
