//! What can be typed.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use pipeline::Sandbox;

mod exp;

pub(crate) use exp::{Compare, Exp, ExpRun, ExpShow, History, Metrics, ParamsCommand, Provenance};

/// Runs the study: every stage whose code, parameters or inputs changed, and nothing else.
#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    disable_help_subcommand = true
)]
#[command(after_help = "\
Examples:
  cargo xtask repro                       bring everything up to date
  cargo xtask status                      what would run, and why
  cargo xtask explain score               what changed for one stage
  cargo xtask watch                       bring everything up to date whenever something changes
  cargo xtask repro --set train.lr=0.01   with another parameter, for this run
  cargo xtask test                        all tests of the workspace")]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Bring stages up to date: restore what is known, run what is not
    #[command(after_help = "\
Targets are stages (`train`), instances (`train@2`), output paths, or patterns of
these (`'train@*'`); none means all. What a target needs is brought up to date first.

Examples:
  cargo xtask repro
  cargo xtask repro --params params/paintings.toml
  cargo xtask repro train@2 --single --force
  cargo xtask repro score --downstream
  cargo xtask repro --jobs 4 --keep-going
  cargo xtask repro --set train.epochs=3 --dry-run")]
    Repro(Repro),
    /// Bring stages up to date, again and again, whenever something changes
    #[command(after_help = "\
Looks at code, parameters and inputs about twice a second; Ctrl-C ends it.

Examples:
  cargo xtask watch
  cargo xtask watch render --set train.epochs=1")]
    Watch(Watch),
    /// Write parameters that fit a folder of images
    #[command(after_help = "\
Reads the folder, prints its classes, authors, split and problems, and writes settings for it
to params/NAME.toml, each with its reason. A file that is there is compared and left as it is.
Fields of --json: folder, images, classes, formats, short_sides, bytes, authors, refused, split,
problems, ignored, left_out, weights, machine, settings (key, value, reason), undecided, remarks,
estimate (seconds), file, written, changes (has_record, folder, settings), next.

Examples:
  cargo xtask init ~/photos/birds
  cargo xtask init data/skin --name skin --minutes 60
  cargo xtask init ~/photos/birds --weights ~/models/resnet50.pth
  cargo xtask init ~/photos/birds --dry-run --json")]
    Init(Init),
    /// Say for each stage whether it is up to date, and why not
    #[command(after_help = "\
Examples:
  cargo xtask status
  cargo xtask status train --json")]
    Status(Select),
    /// Say what changed for a stage since its last run
    #[command(after_help = "\
Examples:
  cargo xtask explain train@0
  cargo xtask explain score --set score.n_resamples=100")]
    Explain(Explain),
    /// Say what the chosen network makes of new pictures
    #[command(after_help = "\
Needs a model that `cargo xtask repro` made, with the same parameters.

Examples:
  cargo xtask predict painting.jpg
  cargo xtask predict folder/ more/*.png --json
  cargo xtask predict folder/ --explain --html new.html")]
    Predict(Predict),
    /// Draw the stages and what each one follows
    #[command(after_help = "\
Examples:
  cargo xtask dag
  cargo xtask dag --mermaid > stages.mmd
  cargo xtask dag --dot | dot -Tsvg > stages.svg")]
    Dag(Dag),
    /// Print the log of a stage's last run
    #[command(after_help = "\
Examples:
  cargo xtask log train@0")]
    Log {
        /// Stage or instance
        stage: String,
    },
    /// List what was run, or taken for a run, with key, outcome, time and reason
    #[command(after_help = "\
The youngest comes first. The list is `.atelier/runs.jsonl`.

Examples:
  cargo xtask history
  cargo xtask history train --last 5
  cargo xtask history train@0 --json")]
    History(History),
    /// Say what made a file: command, parameters, code and inputs, back to the sources
    #[command(after_help = "\
Examples:
  cargo xtask provenance artifacts/score/scores.parquet
  cargo xtask provenance .atelier/experiments/lr-0.001/artifacts/report/index.html
  cargo xtask provenance artifacts/report/index.html --json")]
    Provenance(Provenance),
    /// Put outputs and sources in place as pipeline.lock and sources.lock have them
    #[command(after_help = "\
Nothing runs, and it does not matter what code and parameters are now. What stands in the way
and is not in the cache is moved to `.atelier/kept`.

Examples:
  git switch other-branch && cargo xtask checkout
  cargo xtask checkout train@0 data/paintings")]
    Checkout(Select),
    /// Take what stands in the outputs' places for the stages' results
    #[command(after_help = "\
For outputs that were made or edited by hand. The cache notes that no run made them.

Examples:
  cargo xtask commit annotate")]
    Commit(Select),
    /// Take the last results for those of changed code
    #[command(after_help = "\
For a change of code that changes no result, so that nothing runs for it. Refused where
parameters, inputs or the command have changed, too. The cache notes that no run made them.

Examples:
  cargo xtask adopt train
  cargo xtask adopt 'train@*' choose")]
    Adopt(Select),
    /// Leave stages as they are, whatever changes
    #[command(after_help = "\
Writes `frozen = true` into pipeline.toml; what stands in the outputs' places is then taken as it is.

Examples:
  cargo xtask freeze train")]
    Freeze {
        /// Stages
        #[arg(value_name = "STAGE", required = true)]
        stages: Vec<String>,
    },
    /// Let frozen stages run again
    #[command(after_help = "\
Examples:
  cargo xtask unfreeze train")]
    Unfreeze {
        /// Stages
        #[arg(value_name = "STAGE", required = true)]
        stages: Vec<String>,
    },
    /// Keep the content of a source in the cache, and note it in sources.lock
    #[command(after_help = "\
`cargo xtask checkout` brings it back. Afterwards its files may be read-only.

Examples:
  cargo xtask add data/paintings")]
    Add {
        /// Files or folders in the workspace
        #[arg(value_name = "PATH", required = true)]
        paths: Vec<PathBuf>,
    },
    /// Fetch a source, and keep it as `add` does
    #[command(after_help = "\
URLs are fetched by curl, paths are copied.

Examples:
  cargo xtask import https://example.org/weights.safetensors data/weights.safetensors
  cargo xtask import /mnt/photos data/photos
  cargo xtask import URL data/x.csv --sha256 9f86d081884c7d65…")]
    Import {
        /// Where it is
        #[arg(value_name = "URL|PATH")]
        from: String,
        /// Where it goes, in the workspace
        to: PathBuf,
        /// The hash that it must have
        #[arg(long, value_name = "HEX")]
        sha256: Option<String>,
    },
    /// List pretrained weights, and fetch them
    #[command(after_help = "\
The catalog is `weights.toml`. A file goes to data/weights, is checked by its SHA-256 and noted in
sources.lock; a download that broke off is continued by the same command.

Examples:
  cargo xtask weights
  cargo xtask weights get resnet18
  cargo xtask weights get hf:timm/convnext_tiny.fb_in22k
  cargo xtask weights get hf:microsoft/resnet-50/model.safetensors@main")]
    Weights {
        #[command(subcommand)]
        command: Option<Weights>,
    },
    /// Look through the cache, and clear it
    #[command(subcommand)]
    Cache(Cache),
    /// Search for better parameters
    #[command(subcommand)]
    Study(Study),
    /// Try other parameters beside the current state, and compare what comes of them
    #[command(subcommand)]
    #[command(after_help = "\
Examples:
  cargo xtask exp run --grid train.lr=0.001,0.01
  cargo xtask exp show
  cargo xtask exp apply lr-0.001")]
    Exp(Exp),
    /// Show and compare the metrics of experiments and revisions
    #[command(subcommand)]
    #[command(after_help = "\
Examples:
  cargo xtask metrics show
  cargo xtask metrics diff HEAD")]
    Metrics(Metrics),
    /// Compare the parameters of experiments and revisions
    #[command(subcommand)]
    #[command(after_help = "\
Examples:
  cargo xtask params diff HEAD")]
    Params(ParamsCommand),
    /// Measure this workspace beside its peers
    #[command(after_help = "\
runner   the runner beside DVC and ninja
step     a training step and an inference beside PyTorch's
layers   the layers of a ResNet

Examples:
  cargo xtask bench runner --install
  cargo xtask bench runner --only files
  cargo xtask bench step --torch python3")]
    Bench(Bench),
    /// Run all tests of the workspace, with arguments for `cargo test`
    #[command(after_help = "\
Examples:
  cargo xtask test
  cargo xtask test -- --nocapture")]
    Test {
        /// Passed on to `cargo test --workspace --release --locked`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Print a JSON schema, with which editors complete and check a file
    #[command(after_help = "\
Editors with TOML support (taplo, Even Better TOML) read it where the file's first line is
`#:schema PATH`.

Examples:
  cargo xtask schema params > .atelier/params.schema.json
  cargo xtask schema pipeline > .atelier/pipeline.schema.json")]
    Schema {
        /// Of which file
        what: Schema,
    },
    /// Print the script that completes `cargo xtask` in a shell
    #[command(after_help = "\
Examples:
  echo 'source <(cargo xtask completions bash)' >> ~/.bashrc
  echo 'source <(cargo xtask completions zsh)' >> ~/.zshrc
  echo 'cargo xtask completions fish | source' >> ~/.config/fish/config.fish")]
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Say what may be typed next
    #[command(name = "__complete", hide = true)]
    Complete {
        /// All that is typed, up to the cursor
        line: String,
    },
    /// Stand between the runner and its stages
    #[command(name = executor::SUPERVISE, hide = true)]
    Supervise,
}

#[derive(Debug, Args)]
pub(crate) struct Repro {
    #[command(flatten)]
    pub(crate) select: Select,
    /// Run what is named even if it is up to date
    #[arg(long)]
    pub(crate) force: bool,
    /// Only what is named, not what it needs
    #[arg(long, conflicts_with = "downstream")]
    pub(crate) single: bool,
    /// What is named and what follows from it
    #[arg(long)]
    pub(crate) downstream: bool,
    /// So many stages may run at once, as far as what they declare fits the machine
    #[arg(long, short, value_name = "N", default_value = "1")]
    pub(crate) jobs: NonZeroUsize,
    /// After a failure, go on with what does not follow from it
    #[arg(long, short)]
    pub(crate) keep_going: bool,
    /// Ask before each run
    #[arg(long, short, conflicts_with = "json")]
    pub(crate) interactive: bool,
    #[command(flatten)]
    pub(crate) confine: Confine,
    /// List what would be done, and why; touch nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print only failures
    #[arg(long, short, conflicts_with = "json")]
    pub(crate) quiet: bool,
}

/// Whether programs are held to the files that they declare. On Linux they are, where the kernel can.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Confine {
    /// Run nothing where the system cannot hold stages to the files that they declare
    #[arg(long, conflicts_with = "no_sandbox")]
    sandbox: bool,
    /// Let stages reach files that they do not declare
    #[arg(long)]
    no_sandbox: bool,
}

impl Confine {
    pub(crate) fn sandbox(self) -> Sandbox {
        match (self.sandbox, self.no_sandbox) {
            (true, _) => Sandbox::Required,
            (_, true) => Sandbox::Off,
            _ => Sandbox::WherePossible,
        }
    }
}

/// Files that have a schema.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Schema {
    /// pipeline.toml
    Pipeline,
    /// params.toml, and files of other values
    Params,
}

/// Shells whose words can be completed.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Shell {
    /// The Bourne-again shell
    Bash,
    /// The Z shell
    Zsh,
    /// The friendly interactive shell
    Fish,
}

#[derive(Debug, Args)]
pub(crate) struct Watch {
    /// Stages, instances, output paths or patterns; all if none
    #[arg(value_name = "TARGET")]
    pub(crate) targets: Vec<String>,
    #[command(flatten)]
    pub(crate) params: Params,
    /// So many stages may run at once
    #[arg(long, short, value_name = "N", default_value = "1")]
    pub(crate) jobs: NonZeroUsize,
    #[command(flatten)]
    pub(crate) confine: Confine,
}

/// The cache in `.atelier/cache`.
#[derive(Debug, Subcommand)]
pub(crate) enum Cache {
    /// Remove what is in no use, or all but what is said
    #[command(after_help = "\
Without a word on what to keep, it keeps what the lock, experiments, studies and sources use,
and what `[cache]` in pipeline.toml allows besides (`max-size`, `max-age`).

Examples:
  cargo xtask cache gc --dry-run                         what would go
  cargo xtask cache gc --workspace                       keep what the lock, experiments, studies and sources use
  cargo xtask cache gc --workspace --younger-than '30 d'
  cargo xtask cache gc --commits --dry-run               what would go, if every commit is to be restored")]
    Gc {
        /// Keep what pipeline.lock, experiments, the trials of studies and sources.lock use
        #[arg(long)]
        workspace: bool,
        /// Keep what they use in any commit, too
        #[arg(long)]
        commits: bool,
        /// Keep what was made in this time
        #[arg(long, value_name = "TIME", value_parser = workflow::quantity::duration)]
        younger_than: Option<Duration>,
        /// Remove nothing; say how much it would be
        #[arg(long)]
        dry_run: bool,
    },
    /// Read all that it holds; remove what is damaged
    Verify,
    /// Say how much it holds
    Size {
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
    /// List the results in it, the youngest first
    List {
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
}

/// Pretrained weights.
#[derive(Debug, Subcommand)]
pub(crate) enum Weights {
    /// List the catalog
    List {
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
    /// Fetch a file of weights into data/weights
    Get {
        /// Name in the catalog, or hf:OWNER/NAME of the Hugging Face hub, with /FILE and @REVISION behind it where needed
        name: String,
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
}

/// Searches, each declared in `studies/NAME.toml`.
#[derive(Debug, Subcommand)]
pub(crate) enum Study {
    /// Try what the study asks for, as far as it isn't known yet
    #[command(after_help = "\
A trial is a run of the pipeline with other parameters, beside the current state: what the
cache has is restored. A study that was stopped continues when it is run again.

Examples:
  cargo xtask study run demo
  cargo xtask study run paintings --set images.folder=PATH")]
    Run {
        /// Which study
        name: String,
        #[command(flatten)]
        params: Params,
        #[command(flatten)]
        confine: Confine,
        /// Print only failures
        #[arg(long, short)]
        quiet: bool,
    },
    /// List the trials of a study
    Show {
        /// Which study
        name: String,
        /// Make a page and a table of them, in artifacts/studies
        #[arg(long)]
        html: bool,
        /// Print one JSON document
        #[arg(long, conflicts_with = "html")]
        json: bool,
    },
    /// Write the parameters of a trial where the next repro reads them
    Apply {
        /// Which study
        name: String,
        /// Which trial; the best if not given
        #[arg(long)]
        trial: Option<usize>,
    },
    /// List the studies
    List,
}

/// Stages, under params.
#[derive(Debug, Args)]
pub(crate) struct Select {
    /// Stages, instances, output paths or patterns; all if none
    #[arg(value_name = "TARGET")]
    pub(crate) targets: Vec<String>,
    #[command(flatten)]
    pub(crate) params: Params,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// Stage or instance
    pub(crate) stage: String,
    #[command(flatten)]
    pub(crate) params: Params,
    /// Print one JSON document, with the whole manifest
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// Folder with a folder of images for each class
    #[arg(value_name = "FOLDER")]
    pub(crate) folder: PathBuf,
    /// Name of the file of parameters, params/NAME.toml; by default after the folder
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Pretrained weights of a ResNet, in place of those in data/weights
    #[arg(long, value_name = "FILE")]
    pub(crate) weights: Option<PathBuf>,
    /// Minutes that the study may take on this machine
    #[arg(long, value_name = "N", value_parser = minutes)]
    pub(crate) minutes: Option<f64>,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
    /// Print the settings; write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) confine: Confine,
}

/// A number of minutes from one to a month.
fn minutes(text: &str) -> Result<f64, String> {
    let minutes = text.parse::<f64>().ok();
    let minutes = minutes.filter(|minutes| (1.0..=43_200.0).contains(minutes));
    minutes.ok_or_else(|| "expected minutes, from 1 to 43200".to_owned())
}

#[derive(Debug, Args)]
pub(crate) struct Predict {
    /// Pictures, or folders of pictures
    #[arg(value_name = "FILE|FOLDER", required = true)]
    pub(crate) pictures: Vec<PathBuf>,
    /// Say what the network looks at too: occlusion map and Grad-CAM
    #[arg(long)]
    pub(crate) explain: bool,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
    /// Write a page of it
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) params: Params,
    #[command(flatten)]
    pub(crate) confine: Confine,
}

#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// Which one
    pub(crate) name: Benchmark,
    /// Its own arguments; `--help` lists those of `runner`
    #[arg(
        value_name = "ARGUMENT",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    pub(crate) arguments: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Benchmark {
    Runner,
    Step,
    Layers,
}

#[derive(Debug, Args)]
pub(crate) struct Dag {
    /// As a Mermaid flowchart
    #[arg(long, conflicts_with = "dot")]
    pub(crate) mermaid: bool,
    /// As a Graphviz graph
    #[arg(long)]
    pub(crate) dot: bool,
    #[command(flatten)]
    pub(crate) params: Params,
}

/// What changes params for this command.
#[derive(Debug, Default, Args)]
pub(crate) struct Params {
    /// Take these values instead of those in params.toml, and instead of `default-params`; can be repeated
    #[arg(long = "params", value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Take this value, after all files; can be repeated
    #[arg(long = "set", value_name = "TABLE.KEY=VALUE")]
    pub(crate) settings: Vec<String>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
