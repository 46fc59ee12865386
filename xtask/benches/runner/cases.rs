//! Cases of the benchmark.

use std::path::Path;

use crate::measure::Measurement;
use crate::tool::{Stage, Tool, Work};

/// Files of the large folder.
const FILES: usize = 100_000;

const GIGABYTE: u64 = 1 << 30;

/// Work that each tool is given.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    stages: Vec<Stage>,
    source: Source,
    event: Event,
    work: Work,
    /// Names of tools that are left out: they take too long, or have nothing of the kind.
    without: &'static [&'static str],
}

/// Source of the stages.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    /// A file of some bytes.
    Small,
    /// A folder of many files.
    Folder,
    /// A file of so many gigabytes.
    Large(u64),
}

/// Change before each round.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Event {
    /// None: all is up to date.
    None,
    /// The source has content that was never seen.
    New,
    /// The source has an earlier content, whose results are cached.
    Back,
    /// One file of many has other content.
    OneEdited,
    /// The cache loses the file.
    Forgotten,
}

/// All cases, in the order of the table.
pub(crate) fn all(is_patient: bool) -> Vec<Case> {
    let slow: &[&str] = if is_patient { &[] } else { &["dvc"] };
    let case = |name, stages, event| Case {
        name,
        stages,
        source: Source::Small,
        event,
        work: Work::Repro,
        without: &[],
    };
    let files = |name, event| Case {
        source: Source::Folder,
        ..case(name, vec![count_files()], event)
    };
    vec![
        case("nothing to do, 2 stages", chain(2), Event::None),
        case(
            "nothing to do, 100 stages in a chain",
            chain(100),
            Event::None,
        ),
        case("nothing to do, 1000 stages", fan(1000), Event::None),
        case("100 stages run", fan(100), Event::New),
        Case {
            without: slow,
            ..case("1000 stages run", fan(1000), Event::New)
        },
        Case {
            without: &["ninja"],
            ..case("100 stages restored", fan(100), Event::Back)
        },
        files("nothing to do, 100,000 files", Event::None),
        files("one of 100,000 files edited", Event::OneEdited),
        Case {
            source: Source::Large(2),
            work: Work::Add,
            ..case(
                "2 GB hashed and stored (ninja: cp)",
                Vec::new(),
                Event::Forgotten,
            )
        },
        Case {
            without: &["ninja"],
            ..case("1 GB restored", vec![large_output()], Event::Back)
        },
    ]
}

/// Each of `n` stages reads the one before it.
fn chain(n: usize) -> Vec<Stage> {
    let input = |at: usize| match at {
        0 => "source".to_owned(),
        at => format!("o{}", at - 1),
    };
    (0..n).map(|at| small(at, input(at))).collect()
}

/// Each of `n` stages reads the source.
fn fan(n: usize) -> Vec<Stage> {
    (0..n).map(|at| small(at, "source".to_owned())).collect()
}

fn small(at: usize, input: String) -> Stage {
    Stage {
        name: format!("s{at}"),
        command: format!("(cat {input}; echo {at}) > OUTPUT"),
        input,
        files: Vec::new(),
        output: format!("o{at}"),
    }
}

fn count_files() -> Stage {
    Stage {
        name: "count".to_owned(),
        command: "ls folder > OUTPUT".to_owned(),
        input: "folder".to_owned(),
        files: (0..FILES).map(file).collect(),
        output: "o".to_owned(),
    }
}

/// Path of the file `at` of the folder.
fn file(at: usize) -> String {
    format!("folder/{}/{at}", at % 100)
}

fn large_output() -> Stage {
    Stage {
        name: "large".to_owned(),
        command: format!("(cat source; head -c {GIGABYTE} /dev/zero) > OUTPUT"),
        input: "source".to_owned(),
        files: Vec::new(),
        output: "o".to_owned(),
    }
}

impl Case {
    pub(crate) fn is_for(&self, tool: &Tool) -> bool {
        !self.without.contains(&tool.name())
    }

    /// Makes the workspace, with everything up to date.
    pub(crate) fn prepare(&self, tool: &Tool, folder: &Path) -> anyhow::Result<()> {
        tool.initialize(folder)?;
        tool.declare(folder, &self.stages)?;
        match self.source {
            Source::Small => {
                fs_err::write(folder.join("source"), "first\n")?;
            }
            Source::Folder => {
                for at in 0..100 {
                    fs_err::create_dir_all(folder.join(format!("folder/{at}")))?;
                }
                for at in 0..FILES {
                    fs_err::write(folder.join(file(at)), format!("file {at}\n"))?;
                }
            }
            Source::Large(gigabytes) => write_noise(&folder.join("large"), gigabytes * GIGABYTE)?,
        }
        if matches!(self.work, Work::Repro) && self.event != Event::New {
            if !tool.take_as_run(folder, &self.stages)? {
                Measurement::of(folder, &tool.command(self.work))?;
            }
            // The index trusts no file as young as the clock's resolution.
            std::thread::sleep(std::time::Duration::from_millis(100));
            Measurement::of(folder, &tool.command(self.work))?;
        }
        Ok(())
    }

    /// Measures the tool after the change of this round.
    pub(crate) fn measure(
        &self,
        tool: &Tool,
        folder: &Path,
        round: usize,
    ) -> anyhow::Result<Measurement> {
        let command = tool.command(self.work);
        match self.event {
            Event::None => {}
            Event::New => fs_err::write(folder.join("source"), format!("round {round}\n"))?,
            Event::Back => {
                fs_err::write(folder.join("source"), "second\n")?;
                Measurement::of(folder, &command)?;
                fs_err::write(folder.join("source"), "first\n")?;
            }
            Event::OneEdited => {
                fs_err::write(folder.join(file(round)), format!("edited {round}\n"))?;
            }
            Event::Forgotten => forget(folder)?,
        }
        Measurement::of(folder, &command)
    }
}

/// Removes a tool's cache, and makes the large file new.
fn forget(folder: &Path) -> anyhow::Result<()> {
    for name in [".atelier", ".dvc/cache", ".dvc/tmp"] {
        store::remove_path(&folder.join(name))?;
    }
    for name in ["sources.lock", "large.dvc", "copy"] {
        store::remove_path(&folder.join(name))?;
    }
    let (large, aside) = (folder.join("large"), folder.join("aside"));
    fs_err::rename(&large, &aside)?;
    fs_err::copy(&aside, &large)?;
    fs_err::remove_file(&aside)?;
    // Pending writes must not delay the next program.
    std::process::Command::new("sync").status()?;
    Ok(())
}

/// A file that no file system can keep in less room.
fn write_noise(path: &Path, bytes: u64) -> anyhow::Result<()> {
    use std::io::Write;
    let mut noise = blake3::Hasher::new().update(b"noise").finalize_xof();
    let mut block = vec![0; 1 << 20];
    let mut file = fs_err::File::create(path)?;
    for _ in 0..bytes >> 20 {
        noise.fill(&mut block);
        file.write_all(&block)?;
    }
    Ok(())
}
