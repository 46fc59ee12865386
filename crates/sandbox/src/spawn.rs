//! Starting a process within limits.

use std::io;
use std::process::{Child, Command};

use crate::Limits;

/// Enforcement of the limits of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confinement {
    /// The kernel refuses all else.
    Full,
    /// This kernel is too old for all of it: files can be cut short and devices controlled beyond the limits.
    Partial,
    /// This system can't.
    None,
}

/// Returns whether the kernel can enforce limits at all.
#[must_use]
pub fn is_supported() -> bool {
    let nothing = std::thread::spawn(|| kernel::confine(&Limits::default()));
    nothing
        .join()
        .is_ok_and(|confinement| confinement.is_ok_and(|it| it != Confinement::None))
}

/// Starts `command` so that it and its children can access only the paths of `limits`. A path that doesn't exist at the
/// start cannot be allowed: allow the folder that it will lie in.
///
/// # Errors
/// The command cannot be started, or the kernel refuses the limits.
pub fn spawn(command: &mut Command, limits: &Limits) -> io::Result<(Child, Confinement)> {
    // Limits are a thread's, and pass to the processes that it starts: this thread is there to be limited.
    let limited = std::thread::scope(|scope| {
        let start = || {
            let confinement = kernel::confine(limits)?;
            Ok((command.spawn()?, confinement))
        };
        scope.spawn(start).join()
    });
    limited.unwrap_or_else(|_| Err(io::Error::other("the thread that starts processes died")))
}

#[cfg(target_os = "linux")]
mod kernel {
    use std::collections::BTreeSet;
    use std::io;
    use std::path::PathBuf;

    use landlock::{
        ABI, Access, AccessFs, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset,
        RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetStatus,
    };

    use super::{Confinement, Limits};

    /// The kernel interface whose rights are meant (Linux 6.10); an older kernel enforces those that it knows.
    const RIGHTS: ABI = ABI::V5;

    /// The least that programs can live with (Linux 5.19): before, no file can be moved from one folder to another.
    const LEAST: ABI = ABI::V2;

    /// Limits this thread for good.
    pub(super) fn confine(limits: &Limits) -> io::Result<Confinement> {
        let all = AccessFs::from_all(RIGHTS);
        let least = Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .handle_access(AccessFs::from_all(LEAST))
            .and_then(Ruleset::create);
        if least.is_err() {
            return Ok(Confinement::None);
        }
        let rules = Ruleset::default()
            .handle_access(all)
            .and_then(Ruleset::create)
            .map_err(io::Error::other)?;
        let rules = allow(rules, limits.lists(), AccessFs::ReadDir.into())?;
        let rules = allow(rules, limits.reads(), AccessFs::from_read(RIGHTS))?;
        let rules = allow(rules, limits.makes(), AccessFs::from_write(RIGHTS))?;
        let rules = allow(rules, limits.writes(), all)?;
        let status = rules.restrict_self().map_err(io::Error::other)?;
        Ok(match status.ruleset {
            RulesetStatus::FullyEnforced => Confinement::Full,
            RulesetStatus::PartiallyEnforced => Confinement::Partial,
            RulesetStatus::NotEnforced => Confinement::None,
        })
    }

    /// Adds the existing ones of `paths`.
    fn allow(
        mut rules: RulesetCreated,
        paths: &BTreeSet<PathBuf>,
        access: BitFlags<AccessFs>,
    ) -> io::Result<RulesetCreated> {
        for path in paths {
            let Ok(open) = PathFd::new(path) else {
                continue;
            };
            let access = if path.is_dir() {
                access
            } else {
                access & AccessFs::from_file(RIGHTS)
            };
            if access.is_empty() {
                continue;
            }
            let rule = PathBeneath::new(open, access);
            rules = rules.add_rule(rule).map_err(io::Error::other)?;
        }
        Ok(rules)
    }
}

#[cfg(not(target_os = "linux"))]
mod kernel {
    use std::io;

    use super::{Confinement, Limits};

    /// Does nothing: there is nothing like Landlock here that needs no privileges.
    pub(super) fn confine(_: &Limits) -> io::Result<Confinement> {
        Ok(Confinement::None)
    }
}
