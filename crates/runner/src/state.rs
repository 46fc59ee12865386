//! What a command knows of the workspace's results: lock, cache, and the files that it has looked at.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use keys::lock::Lock;
use ledger::runs::Circumstances;
use store::{Digest, Index, Seen, Store};

use crate::error::Result;

/// Lock, cache and observations.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) lock: Lock,
    pub(crate) index: Index,
    /// None where nothing was ever stored and nothing is to be written.
    pub(crate) store: Option<Store>,
    /// What was looked at since a stage began or ended, by path from the root: many stages may read the same folder, and
    /// each reads what another made.
    pub(crate) observed: BTreeMap<OsString, Seen>,
    /// Where runs take place, once that is to be noted.
    circumstances: OnceCell<Circumstances>,
}

impl State {
    /// A state of which nothing was looked at.
    pub(crate) fn new(lock: Lock, index: Index, store: Option<Store>) -> Self {
        State {
            lock,
            index,
            store,
            observed: BTreeMap::new(),
            circumstances: OnceCell::new(),
        }
    }

    /// Where runs take place in the workspace at `root`, looked for once.
    pub(crate) fn circumstances(&self, root: &Path) -> &Circumstances {
        self.circumstances.get_or_init(|| Circumstances::find(root))
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
