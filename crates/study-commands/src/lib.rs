//! Commands of this repository's stages: `compare`, `doctor`, `figures`, `init`, `predict`, `weights`.
//!
//! They start programs of the repository and know its parameters, so they are no part of the command line that other
//! repositories use.

mod catalog;
mod compare;
mod doctor;
mod figures;
mod hub;
mod init;
mod predict;
mod weights;

use cli::Subcommand;
use runner::program_name::PROGRAM;

/// The programs behind the commands and the page of a search, each as `crate/binary`.
pub const PROGRAMS: [&str; 6] = [
    compare::RUN,
    doctor::BINARY,
    figures::BINARY,
    init::RUN,
    predict::RUN,
    experiments::search::page::PROGRAM,
];

/// The commands.
#[must_use]
pub fn commands() -> Vec<Subcommand> {
    vec![
        Subcommand::new("compare", compare::compare),
        Subcommand::new("doctor", doctor::doctor),
        Subcommand::new("figures", figures::figures),
        Subcommand::new("init", init::init),
        Subcommand::new("predict", predict::predict),
        Subcommand::new("weights", weights::run).with_values(|path| match path {
            "weights get" => catalog::names(),
            _ => Vec::new(),
        }),
    ]
}

/// The command that cures a failure: a missing folder of images has settings to be written.
#[must_use]
pub fn cure(error: &runner::Error) -> Option<String> {
    let runner::Error::MissingInputs(missing) = error else {
        return None;
    };
    let is_of_images = { missing.iter() }.any(|text| text.contains("`images.folder`"));
    is_of_images.then(|| format!("`{PROGRAM} init FOLDER` writes settings for a folder of images"))
}
