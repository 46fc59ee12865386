//! The state of a workspace: lock, cache, and the files that a command has observed.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use keys::lock::Lock;
use ledger::runs::Environment;
use store::{Digest, Index, Seen, Store};

use crate::error::Result;

/// Lock, cache and observations.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) lock: Lock,
    pub(crate) index: Index,
    /// None where nothing was ever stored and nothing is to be written.
    pub(crate) store: Option<Store>,
    /// Observed since a stage began or ended, by path from the root: many stages may read the same folder, and each reads
    /// another's outputs.
    pub(crate) observed: BTreeMap<OsString, Seen>,
    /// Environment of runs; found when first needed.
    environment: OnceCell<Environment>,
}

impl State {
    /// A state without observations.
    pub(crate) fn new(lock: Lock, index: Index, store: Option<Store>) -> Self {
        State {
            lock,
            index,
            store,
            observed: BTreeMap::new(),
            environment: OnceCell::new(),
        }
    }

    /// Environment of runs in the workspace at `root`, found once.
    pub(crate) fn environment(&self, root: &Path) -> &Environment {
        self.environment.get_or_init(|| Environment::find(root))
    }

    /// The cache, which a writing command always has.
    pub(crate) fn store(&self) -> Result<&Store> {
        Ok(self.store.as_ref().ok_or(ledger::Error::NoCache)?)
    }

    /// The digest of what is at `path`, which the cache holds from here on if it is there and `is_cached`.
    pub(crate) fn take(&mut self, path: &Path, is_cached: bool) -> Result<Digest> {
        Ok(match &mut self.store {
            Some(store) if is_cached => store.put(&mut self.index, path)?,
            _ => self.index.digest(path)?,
        })
    }

    /// Looks at files anew, after something may have been written.
    pub(crate) fn forget_observed(&mut self) {
        self.observed.clear();
    }
}
