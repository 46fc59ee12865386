//! The person's side of a watch.

use std::env;

use ::experiments::watch::{self, Watcher};
use anyhow::Context;
use runner::Workspace;
use runner::events::Outcome;
use runner::execute::{self, Options};
use runner::workspace::Access;
use workflow::graph::{Reach, Selection};

use crate::arguments::Watch;
use crate::failure::message;
use crate::print;
use crate::program::Program;
use crate::progress::Live;
use crate::workspace::{open, select};

/// Brings stages up to date, again and again, until a signal comes.
pub(crate) fn watch(program: &Program, arguments: &Watch) -> anyhow::Result<()> {
    let mut watcher = Person { program, arguments };
    watch::watch(&mut watcher, arguments.jobs, arguments.confine.sandbox())
}

struct Person<'a> {
    program: &'a Program,
    arguments: &'a Watch,
}

impl Watcher for Person<'_> {
    type Error = anyhow::Error;

    fn open(&mut self) -> anyhow::Result<(Workspace, Selection)> {
        let workspace = open(&self.arguments.params, Access::Write)?;
        let selection = select(&workspace, &self.arguments.targets, Reach::Upstream)?;
        Ok((workspace, selection))
    }

    fn repro(
        &mut self,
        workspace: &mut Workspace,
        selection: &Selection,
        options: Options,
    ) -> anyhow::Result<Vec<Outcome>> {
        let mut live = Live::new(false, false);
        let outcomes = execute::repro(workspace, selection, options, &mut live);
        live.finish();
        Ok(outcomes?)
    }

    fn failed(&mut self, error: &anyhow::Error) {
        print::error(&message(self.program, error));
    }

    fn waits(&mut self) -> anyhow::Result<()> {
        print::text("watching for changes; Ctrl-C ends it\n")
    }

    fn check(&mut self) -> anyhow::Result<()> {
        env::current_dir().context("the folder that was watched is gone")?;
        Ok(())
    }
}
