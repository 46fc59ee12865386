//! Observations of the workspace itself.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use keys::code::{Code, at_stage};
use keys::inputs::Content;
use keys::lock::{Lock, Locked};
use keys::manifest::Manifest;
use keys::on_disk;
use ledger::check_stamp;
use serde_json::Value;
use store::{Digest, Index, Record, Seen, Store};
use workflow::Workflow;
use workflow::declaration::Action;
use workflow::instance::Instance;

use crate::error::Result;
use crate::observe::Observe;

/// Looks at disk, lock and cache. A file is looked at once until something runs.
#[derive(Debug)]
pub(crate) struct WorkspaceObserver<'a> {
    pub(crate) workflow: &'a Workflow,
    pub(crate) lock: &'a Lock,
    pub(crate) store: Option<&'a Store>,
    pub(crate) index: &'a mut Index,
    pub(crate) observed: &'a mut BTreeMap<OsString, Seen>,
    pub(crate) code: &'a mut Code,
    /// Binaries that were built in this run, by `crate/binary`; none where no run is under way.
    pub(crate) executables: Option<&'a BTreeMap<String, PathBuf>>,
}

impl Observe for WorkspaceObserver<'_> {
    fn code(&mut self, instance: &Instance) -> Result<Manifest> {
        let Action::Run(run) = &instance.action else {
            return Ok(Manifest::default());
        };
        let manifest = self.code.manifest(run, self.index);
        let declaration = &self.workflow.declaration;
        Ok(manifest.map_err(|error| at_stage(declaration, instance, error))?)
    }

    fn binary(&mut self, instance: &Instance) -> Result<Option<Digest>> {
        let (Action::Run(run), Some(executables)) = (&instance.action, self.executables) else {
            return Ok(None);
        };
        let digest = { executables.get(run) }.map(|executable| self.index.digest(executable));
        Ok(digest.transpose()?)
    }

    fn variable(&self, name: &str) -> Option<OsString> {
        std::env::var_os(name)
    }

    fn content(&mut self, path: &Path) -> Result<Option<Content>> {
        let seen = match self.observed.get(path.as_os_str()) {
            Some(seen) => *seen,
            None => {
                let rules = on_disk::rules_of(&self.workflow.graph, path);
                match self.index.look(&self.workflow.root.join(path), rules) {
                    Ok(seen) => {
                        self.observed.insert(path.into(), seen);
                        seen
                    }
                    Err(store::Error::NotFound { .. }) => return Ok(None),
                    Err(error) => return Err(error.into()),
                }
            }
        };
        Ok(Some(Content {
            path: path.to_owned(),
            digest: Some(seen.digest),
            seen: Some(seen),
        }))
    }

    fn exists(&self, path: &Path) -> bool {
        self.workflow.root.join(path).exists()
    }

    fn matching(&self, pattern: &str) -> Result<Vec<PathBuf>> {
        Ok(on_disk::matching(&self.workflow.root, pattern)?)
    }

    fn locked(&self, instance: &str) -> Option<Arc<Locked>> {
        self.lock.shared(instance)
    }

    fn record(&self, key: &Digest) -> Option<Record> {
        self.store?.recorded(key)
    }

    fn is_stored(&self, content: &Digest) -> bool {
        self.store.is_some_and(|store| store.contains(content))
    }

    fn has_passed(&self, check: &Value, content: &Digest) -> bool {
        self.store
            .is_some_and(|store| check_stamp::has_passed(store, check, content))
    }
}
