//! The workflow of one command: declaration, params and graph.

use std::path::{Path, PathBuf};

use crate::declaration::Declaration;
use crate::device::{Device, UnknownDevice};
use crate::error::Result;
use crate::graph::Graph;
use crate::instance::resolve::instances;
use crate::params::{Overrides, Params};

/// The declared stages, their params and the graph of their instances, of one state of a workspace.
#[derive(Debug)]
pub struct Workflow {
    /// The workspace, the folder of `pipeline.toml`: absolute, without symbolic links.
    pub root: PathBuf,
    /// `pipeline.toml`.
    pub declaration: Declaration,
    /// Params with overrides.
    pub params: Params,
    /// Instances in their order, on the devices that they run on.
    pub graph: Graph,
    /// Folder of all outputs, from the root; empty for the current state.
    state_folder: PathBuf,
    /// Device that the setting `auto` stands for.
    auto: Device,
}

impl Workflow {
    /// Reads the files at `root` for a state whose outputs stand in `state_folder`, from the root; an empty one is that of
    /// the current state. `auto` is the device that the setting `auto` stands for.
    ///
    /// # Errors
    /// A file is malformed or cannot be read, a name is unknown, stages form a cycle or their outputs overlap.
    pub fn load(
        root: PathBuf,
        overrides: &Overrides,
        state_folder: PathBuf,
        auto: Device,
    ) -> Result<Self> {
        let declaration = Declaration::load(&root)?;
        let params = Params::load(&root, &declaration, overrides)?;
        let graph = graph(&declaration, &params, &root, &state_folder, auto)?;
        Ok(Workflow {
            root,
            declaration,
            params,
            graph,
            state_folder,
            auto,
        })
    }

    /// Folder of the outputs of a state beside the current one, from the root; none for the current state.
    #[must_use]
    pub fn state_folder(&self) -> Option<&Path> {
        { Some(self.state_folder.as_path()) }.filter(|folder| !folder.as_os_str().is_empty())
    }

    /// Folder of outputs, lock and logs of the state.
    #[must_use]
    pub fn state_root(&self) -> PathBuf {
        self.root.join(&self.state_folder)
    }

    /// Device that `device` in `params.toml` stands for; without such a setting, that of `auto`.
    ///
    /// # Errors
    /// The setting is another word.
    pub fn device(&self) -> Result<Device, UnknownDevice> {
        Device::resolve(self.device_setting().unwrap_or("auto"), self.auto)
    }

    /// `device` in `params.toml`, if it is text.
    #[must_use]
    pub fn device_setting(&self) -> Option<&str> {
        self.params.get("device")?.as_str()
    }

    /// Makes the setting `auto` stand for the device `auto`. Instances and their order stay the same.
    ///
    /// # Errors
    /// As for [`Workflow::load`].
    pub fn set_auto(&mut self, auto: Device) -> Result<()> {
        if auto != self.auto {
            self.auto = auto;
            self.graph = graph(
                &self.declaration,
                &self.params,
                &self.root,
                &self.state_folder,
                auto,
            )?;
        }
        Ok(())
    }
}

fn graph(
    declaration: &Declaration,
    params: &Params,
    root: &Path,
    state_folder: &Path,
    auto: Device,
) -> Result<Graph> {
    let graph = Graph::new(instances(declaration, params, root, auto)?)?;
    if state_folder.as_os_str().is_empty() {
        Ok(graph)
    } else {
        graph.in_folder(state_folder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::InstanceId;
    use crate::instance::Target;

    const PIPELINE: &str = r#"
[stage.split]
cmd = "true"
in = { images = "images" }
out = { folds = "folds" }

[stage.train]
cmd = "true"
params = ["device"]
in = { folds = "folds" }
out = { model = "model" }
"#;

    fn load(state_folder: &str) -> (tempfile::TempDir, Workflow) {
        let folder = tempfile::tempdir().unwrap();
        fs_err::write(folder.path().join("pipeline.toml"), PIPELINE).unwrap();
        fs_err::write(folder.path().join("params.toml"), "device = \"auto\"\n").unwrap();
        let root = folder.path().to_owned();
        let overrides = Overrides::default();
        let workflow = Workflow::load(root, &overrides, state_folder.into(), Device::Cpu);
        (folder, workflow.unwrap())
    }

    #[test]
    fn outputs_of_another_state_have_a_folder_of_their_own() {
        let (_folder, workflow) = load("beside/a");
        let inputs = |at: u32| &workflow.graph.instances[InstanceId::new(at)].inputs;
        let path = |path: &str| Target::Path(path.into());
        assert_eq!(inputs(0)["images"].target, path("images"));
        assert_eq!(inputs(1)["folds"].target, path("beside/a/folds"));
        assert_eq!(workflow.state_folder(), Some(Path::new("beside/a")));
        assert_eq!(load("").1.state_folder(), None);
    }

    #[test]
    fn another_device_for_auto_changes_the_instances_that_list_it() {
        let (_folder, mut workflow) = load("");
        assert_eq!(workflow.device(), Ok(Device::Cpu));
        workflow.set_auto(Device::Cuda).unwrap();
        assert_eq!(workflow.device(), Ok(Device::Cuda));
        let devices = workflow.graph.instances.iter().map(|i| i.device);
        assert_eq!(devices.collect::<Vec<_>>(), [None, Some(Device::Cuda)]);
    }
}
