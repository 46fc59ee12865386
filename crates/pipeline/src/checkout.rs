//! Putting in place what `pipeline.lock` says, whatever the stages are now.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::Arc;

use executor::Interrupts;
use store::Digest;
use workflow::graph::Selection;
use workflow::instance::{Instance, Output};

use crate::error::{Error, Result};
use crate::events::{Events, Outcome, State};
use crate::executors::executor;
use crate::metrics::Made;
use crate::workspace::Workspace;
use crate::{mutex, place};

impl Workspace {
    /// Restores the outputs of the selected instances as `pipeline.lock` has them. What it doesn't have is left alone;
    /// what the cache doesn't have is among the outcomes, as failed.
    ///
    /// # Errors
    /// A file cannot be written, or a signal asks to stop.
    pub fn checkout(
        &mut self,
        selection: &Selection,
        events: &mut dyn Events,
    ) -> Result<Vec<Outcome>> {
        let interrupts = Interrupts::catch()?;
        let _lock = mutex::acquire(&self.own("lock"), &interrupts, events)?;
        self.reload_lock()?;
        self.check_out_all(selection, &interrupts, events)
    }

    /// Makes what was made of a state beside the current one the current results, and restores their outputs. Those of
    /// stages that it didn't come to stay as they are.
    ///
    /// # Errors
    /// As for [`Workspace::checkout`], or the lock of either state cannot be read or written.
    pub fn take_state(&mut self, made: Made, events: &mut dyn Events) -> Result<Vec<Outcome>> {
        let interrupts = Interrupts::catch()?;
        let _lock = mutex::acquire(&self.own("lock"), &interrupts, events)?;
        self.reload_lock()?;
        let instances = self.workflow.graph.instances.iter().enumerate();
        let is_made = |name: &str| made.lock.get(name).is_some();
        let taken = instances.filter(|(_, instance)| is_made(&instance.name));
        let taken: BTreeSet<usize> = taken.map(|(at, _)| at).collect();
        let mut executor = executor(NonZeroUsize::MIN, &interrupts);
        place::recover(self, &mut executor, events)?;
        // While the lock still knows what stands there.
        self.copy_uncached(&taken, &made, events)?;
        for (name, locked) in made.lock.iter() {
            self.lock.insert(name.to_owned(), locked.clone());
        }
        self.save_lock()?;
        let selection = Selection {
            named: taken.clone(),
            reached: taken,
        };
        self.check_out_all(&selection, &interrupts, events)
    }

    /// Copies from the folder of another state what the cache doesn't keep, as far as it is still there.
    fn copy_uncached(
        &mut self,
        taken: &BTreeSet<usize>,
        made: &Made,
        events: &mut dyn Events,
    ) -> Result<()> {
        let Some(folder) = &made.folder else {
            return Ok(());
        };
        for &at in taken {
            let instance = Arc::clone(&self.workflow.graph.instances[at]);
            let locked = made.lock.get(&instance.name);
            for (name, output) in &instance.outputs {
                let digest = locked.and_then(|locked| locked.outputs.get(name));
                let (Some(digest), false) = (digest, output.treatment.is_cached) else {
                    continue;
                };
                let (from, to) = (
                    folder.join(&output.path),
                    self.workflow.root.join(&output.path),
                );
                let is_it = self.index.digest(&from).is_ok_and(|there| there == *digest);
                if !is_it || self.is_in_place(output, digest) {
                    continue;
                }
                place::check(self, &instance, name, output)?;
                place::keep_unknown(self, &instance, output, &to, events)?;
                if let Some(parent) = to.parent() {
                    fs_err::create_dir_all(parent)?;
                }
                store::remove_path(&to)?;
                store::copy_path(&from, &to)?;
            }
        }
        Ok(())
    }

    fn check_out_all(
        &mut self,
        selection: &Selection,
        interrupts: &Interrupts,
        events: &mut dyn Events,
    ) -> Result<Vec<Outcome>> {
        let mut executor = executor(NonZeroUsize::MIN, interrupts);
        place::recover(self, &mut executor, events)?;
        let mut outcomes = Vec::new();
        for at in self.workflow.graph.in_order(selection) {
            interrupts.check()?;
            let instance = Arc::clone(&self.workflow.graph.instances[at]);
            outcomes.extend(self.check_out_one(&instance, events)?);
        }
        self.save_caches()?;
        Ok(outcomes)
    }

    fn check_out_one(
        &mut self,
        instance: &Instance,
        events: &mut dyn Events,
    ) -> Result<Option<Outcome>> {
        let Some(locked) = self.lock.get(&instance.name).cloned() else {
            return Ok(None);
        };
        // By-products stand in the record alone.
        let record = self.store()?.recorded(&locked.key);
        let (mut is_restored, mut has_failed) = (false, false);
        let mut reasons = Vec::new();
        for (name, output) in &instance.outputs {
            let digest = locked.outputs.get(name);
            let of_record = { record.as_ref() }.and_then(|record| record.outputs.get(name));
            let Some(digest) = digest.or(of_record) else {
                continue;
            };
            if self.is_in_place(output, digest) {
                continue;
            }
            if self.check_out(instance, (name, output), digest, events)? {
                is_restored = true;
            } else if !output.treatment.is_cached {
                reasons.push(format!("output {name} is made by a run alone"));
            } else if !output.treatment.is_volatile {
                has_failed = true;
                reasons.push(format!("the cache does not have output {name}"));
            }
        }
        let state = match (has_failed, is_restored) {
            (true, _) => State::Failed,
            (false, true) => State::Restored,
            (false, false) => State::UpToDate,
        };
        Ok(Some(Outcome {
            stage: instance.name.clone(),
            state,
            reasons,
            key: Some(locked.key),
            usage: None,
        }))
    }

    /// Restores an output; whether the cache had it.
    fn check_out(
        &mut self,
        instance: &Instance,
        (name, output): (&str, &Output),
        digest: &Digest,
        events: &mut dyn Events,
    ) -> Result<bool> {
        // What stands there is moved for something better alone.
        if !self.store()?.contains(digest) {
            return Ok(false);
        }
        match place::restore(self, instance, name, output, digest, events) {
            Ok(()) => Ok(true),
            Err(Error::Store(store::Error::Missing { .. } | store::Error::Damaged { .. })) => {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    fn is_in_place(&mut self, output: &Output, digest: &Digest) -> bool {
        let path = self.workflow.root.join(&output.path);
        if output.treatment.is_volatile {
            return path.exists();
        }
        self.index.digest(&path).is_ok_and(|there| there == *digest)
    }
}
