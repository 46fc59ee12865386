//! Runners that are killed, at any moment and at each file operation.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::libc::SIGKILL;

use crate::space::{Space, wait};

/// Contents of the source, one after the other.
const SOURCES: [&str; 3] = ["first\n", "second\n", "third\n"];

/// Stages beside each other that make files and folders of 1 KB to `largest` bytes, some in their places, and one that
/// follows from all.
fn pipeline(largest: usize) -> String {
    let mut text = String::new();
    for (number, bytes) in [1_000, 30_000, 1_000_000, largest / 10, largest]
        .into_iter()
        .enumerate()
    {
        let fill = format!("cat src.txt; head -c {bytes} /dev/zero");
        let (cmd, out) = match number % 3 {
            0 => (format!("({fill}) > o{number}"), format!("o{number}")),
            // An executable file is copied, and not linked.
            1 => (
                format!("({fill}) > ${{out.x}}; chmod +x ${{out.x}}"),
                format!("o{number}"),
            ),
            _ => (
                format!(
                    "mkdir d{number}; ({fill}) > d{number}/large; cat src.txt > d{number}/small"
                ),
                format!("d{number}"),
            ),
        };
        text.push_str(&format!(
            "[stage.s{number}]\ncmd = \"{cmd}\"\nin = {{ src = \"src.txt\" }}\nout = {{ x = \"{out}\" }}\n"
        ));
    }
    text.push_str(
        "[stage.last]\ncmd = \"cat ${in.a} ${in.b} > ${out.y}\"\nin = { a = \"o0\", b = \"d2/small\" }\nout = { y = \"y\" }\n",
    );
    text
}

const OUTPUTS: [&str; 6] = ["o0", "o1", "d2", "o3", "o4", "y"];

/// Hashes of the lock and of all outputs after a repro, folders with their files.
fn left(space: &Space) -> BTreeMap<String, blake3::Hash> {
    let mut left = BTreeMap::new();
    let mut names: Vec<String> = OUTPUTS.map(str::to_owned).to_vec();
    names.push("pipeline.lock".into());
    while let Some(name) = names.pop() {
        let path = space.path(&name);
        if path.is_dir() {
            let entries = fs_err::read_dir(path).unwrap();
            let inner = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
            names.extend(inner.map(|inner| format!("{name}/{inner}")));
        } else {
            let hash = blake3::hash(&fs_err::read(path).unwrap());
            left.insert(name, hash);
        }
    }
    left
}

/// Numbers that look random and are the same each time: Steele, Lea and Flood, "Fast splittable pseudorandom number
/// generators" (2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

/// The processes that work in the folder, by their command lines.
fn processes(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs_err::read_dir("/proc") else {
        return Vec::new();
    };
    let works_there = |process: &Path| {
        // The plain call: a process that ends meanwhile is no matter for a message.
        let at = process.join("cwd").read_link();
        at.is_ok_and(|at| at.starts_with(folder))
    };
    let there = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| works_there(path));
    there
        .map(|path| fs_err::read_to_string(path.join("cmdline")).unwrap_or_default())
        .collect()
}

/// Checks the state after a kill: nothing runs on, the lock can be read, and nothing in the cache is damaged.
fn check_after_kill(space: &Space) {
    let folder = fs_err::canonicalize(space.path("")).unwrap();
    wait("the end of all processes", || processes(&folder).is_empty());
    space.ok(&["status"]);
    space.ok(&["cache", "verify"]);
}

/// Checks that killed runs left no temporary files.
fn check_no_junk(space: &Space) {
    for folder in [".atelier/cache/tmp", ".atelier/work"] {
        let left: Vec<_> = fs_err::read_dir(space.path(folder)).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
    }
    assert!(!space.exists(".atelier/backup"));
    let known = [
        ".gitignore",
        "CACHEDIR.TAG",
        "cache",
        "cache-size.json",
        "index",
        "lock",
        "logs",
        "runs.jsonl",
        "tmp",
        "unconfined",
        "work",
    ];
    for entry in fs_err::read_dir(space.path(".atelier")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(known.contains(&name.as_str()), "{name}");
    }
}

/// Time of a repro.
fn timed(space: &Space) -> Duration {
    let start = Instant::now();
    space.ok(&["repro", "--jobs", "3"]);
    start.elapsed()
}

/// Kills `n_kills` repros at random moments, some of which run and some restore.
fn kill_at_random(n_kills: u32, largest: usize) {
    let pipeline = pipeline(largest);
    let unbroken = Space::new(&pipeline);
    let mut time_to_run = Duration::ZERO;
    let wanted = SOURCES.map(|source| {
        unbroken.write("src.txt", source);
        time_to_run = time_to_run.max(timed(&unbroken));
        left(&unbroken)
    });
    unbroken.write("src.txt", SOURCES[0]);
    let time_to_restore = timed(&unbroken);
    let space = Space::new(&pipeline);
    let mut random = Random(1);
    let mut n_killed = 0;
    while n_killed < n_kills {
        let number = usize::try_from(random.below(3)).unwrap();
        space.write("src.txt", SOURCES[number]);
        let runs = random.below(2) == 0;
        if runs {
            space.ok(&["cache", "gc", "--younger-than", "1 ms"]);
        }
        let time = if runs { time_to_run } else { time_to_restore };
        let mut child = space.command(&["repro", "--jobs", "3"]);
        let mut child = child
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let time_us = u64::try_from(time.as_micros()).unwrap();
        std::thread::sleep(Duration::from_micros(random.below(time_us)));
        child.kill().unwrap();
        if child.wait().unwrap().signal() == Some(SIGKILL) {
            n_killed += 1;
        }
        check_after_kill(&space);
        space.ok(&["repro", "--jobs", "3"]);
        assert_eq!(left(&space), wanted[number], "after {n_killed} kills");
        check_no_junk(&space);
    }
}

#[test]
fn killed_at_any_moment_it_goes_on_to_the_same_bytes() {
    kill_at_random(12, 8_000_000);
}

/// Eight moments, or two hundred, which take a quarter of an hour.
#[test]
fn killed_at_moments_of_large_stages_it_goes_on_to_the_same_bytes() {
    kill_at_random(if is_thorough() { 200 } else { 8 }, 100_000_000);
}

/// Returns whether `ATELIER_THOROUGH_TESTS` requires the slow tests, too.
fn is_thorough() -> bool {
    std::env::var_os("ATELIER_THOROUGH_TESTS").is_some()
}

/// Runs a repro that is killed when it is about to make the system call `call` for the `nth` time.
fn killed_at(space: &Space, call: &str, nth: usize) -> bool {
    let repro = space.command(&["repro"]);
    let mut command = Command::new("strace");
    command.args(["-qq", "-o", "/dev/null"]);
    command.arg(format!("--inject={call}:signal=KILL:when={nth}"));
    command.arg(repro.get_program()).args(repro.get_args());
    command.current_dir(space.path("")).stdin(Stdio::null());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.status().unwrap().signal() == Some(SIGKILL)
}

/// Kills a repro at each of its calls, or at each `step`th of them: one that runs, and one that restores. Returns how often
/// it was killed.
fn kill_at_each(calls: &[&str], step: usize) -> usize {
    let pipeline = pipeline(100_000);
    let space = Space::new(&pipeline);
    let mut n_killed = 0;
    let mut wanted = None;
    for call in calls {
        for runs in [true, false] {
            for nth in (1..).step_by(step) {
                if runs {
                    space.remove(".atelier");
                    space.remove("pipeline.lock");
                }
                for output in OUTPUTS {
                    space.remove(output);
                }
                let was_killed = killed_at(&space, call, nth);
                n_killed += usize::from(was_killed);
                check_after_kill(&space);
                space.ok(&["repro"]);
                let left = left(&space);
                assert_eq!(wanted.get_or_insert(left.clone()), &left, "{call} {nth}");
                check_no_junk(&space);
                if !was_killed {
                    break;
                }
            }
        }
    }
    n_killed
}

/// System calls are met by strace.
pub(crate) fn without_strace() -> bool {
    let has_strace = Command::new("strace").arg("--version").output().is_ok();
    skip::unless(has_strace, "strace")
}

#[test]
fn killed_before_it_moves_a_file_it_goes_on_to_the_same_bytes() {
    if without_strace() {
        return;
    }
    let n_killed = kill_at_each(&["rename"], 1);
    println!("killed {n_killed} times");
    assert!(n_killed > 20, "{n_killed}");
}

/// Every eighth of them, or all, which takes some minutes.
#[test]
fn killed_at_file_operations_it_goes_on_to_the_same_bytes() {
    if without_strace() {
        return;
    }
    let step = if is_thorough() { 1 } else { 8 };
    let n_killed = kill_at_each(
        &["write", "openat", "unlink", "mkdir", "rmdir", "fchmod"],
        step,
    );
    println!("killed {n_killed} times");
    assert!(n_killed > 100 / step, "{n_killed}");
}

/// Kills a repro as soon as `is_moment`; whether that came.
fn kill_when(space: &Space, is_moment: impl Fn() -> bool) -> bool {
    let mut child = space.command(&["repro"]);
    let mut child = child
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    loop {
        let came = is_moment();
        if came || child.try_wait().unwrap().is_some() {
            child.kill().unwrap();
            return child.wait().unwrap().signal() == Some(SIGKILL);
        }
        std::thread::sleep(Duration::from_micros(200));
    }
}

#[test]
fn killed_while_it_copies_to_and_from_the_cache_it_goes_on() {
    // Executable: it is copied, and not linked.
    let space = Space::new(
        "[stage.s]\ncmd = \"(cat src.txt; head -c 100000000 /dev/zero) > ${out.x}; chmod +x ${out.x}\"\nin = { src = \"src.txt\" }\nout = { x = \"x\" }\n",
    );
    let is_copying = || {
        let entries = space.path(".atelier/cache/tmp").read_dir();
        entries.is_ok_and(|mut entries| {
            entries.any(|entry| {
                let size = entry
                    .and_then(|entry| entry.metadata())
                    .map(|metadata| metadata.len());
                size.is_ok_and(|size| size > 10_000_000)
            })
        })
    };
    let n_killed = usize::from(kill_when(&space, is_copying));
    check_after_kill(&space);
    assert!(!space.exists("pipeline.lock"));
    assert_eq!(space.repro(), ["s ran"]);
    let whole = left_of(&space, "x");
    space.remove("x");
    let n_killed = n_killed + usize::from(kill_when(&space, is_copying));
    check_after_kill(&space);
    assert!(!space.exists("x"), "whole or not at all");
    assert_eq!(space.repro(), ["s restored"]);
    assert_eq!(left_of(&space, "x"), whole);
    check_no_junk(&space);
    // Where files share their bytes, there is nothing to copy and no moment to kill at.
    println!("killed {n_killed} times");
}

fn left_of(space: &Space, name: &str) -> blake3::Hash {
    blake3::hash(&fs_err::read(space.path(name)).unwrap())
}
