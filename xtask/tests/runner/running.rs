//! Several stages at once, failures among them, and questions before they start.

use std::io::Write;

use crate::space::{CHAIN, Ran, Space};

/// Two stages that each wait for the other to have started.
const PAIR: &str = r#"
[stage.a]
cmd = "touch a.here; while [ ! -e b.here ]; do sleep 0.02; done; echo a > ${out.x}"
out = { x = "a.txt", here = "a.here" }
[stage.b]
cmd = "touch b.here; while [ ! -e a.here ]; do sleep 0.02; done; echo b > ${out.x}"
out = { x = "b.txt", here = "b.here" }
"#;

/// Stages that note their start and end, in a `log` that they share.
fn noting(rules: &str) -> Space {
    let stage = |name: &str| {
        format!(
            "[stage.{name}]\ncmd = \"echo +{name} >> log; sleep 0.2; echo -{name} >> log; echo > ${{out.x}}\"\nout = {{ x = \"{name}.txt\" }}\nsandbox = false\n{rules}\n"
        )
    };
    Space::new(&["a", "b", "c"].map(stage).concat())
}

/// The most stages that were at work at once.
fn most_at_once(space: &Space) -> usize {
    let log = space.read("log");
    let (mut now, mut most) = (0, 0);
    for line in log.lines() {
        now = if line.starts_with('+') {
            now + 1
        } else {
            now - 1
        };
        most = most.max(now);
    }
    most
}

#[test]
fn stages_run_beside_each_other() {
    let space = Space::new(PAIR);
    let states = space.states(&["repro", "--jobs", "2", "--json"]);
    assert_eq!(states, ["a ran", "b ran"]);
}

#[test]
fn no_more_than_are_allowed_and_fit() {
    for (rules, jobs, most) in [
        ("cores = 0", "1", 1),
        ("cores = 0", "2", 2),
        ("cores = 0", "8", 3),
        ("cores = 100000", "8", 1),
        ("cores = 0\nmemory = \"900 TB\"", "8", 1),
        ("cores = 0\ngpu = 1000", "8", 1),
    ] {
        let space = noting(rules);
        space.ok(&["repro", "--jobs", jobs]);
        assert_eq!(most_at_once(&space), most, "{rules}, {jobs} jobs");
    }
}

#[test]
fn a_stage_gets_its_declared_resources() {
    let space = Space::new(
        "[stage.s]\ncmd = \"echo $RAYON_NUM_THREADS $OMP_NUM_THREADS $CUDA_VISIBLE_DEVICES > ${out.x}\"\ncores = 3\ngpu = 1\nout = { x = \"x\" }\n",
    );
    let mut command = space.command(&["repro"]);
    let ran = command.env_remove("CUDA_VISIBLE_DEVICES").output();
    assert!(ran.unwrap().status.success());
    assert_eq!(space.read("x"), "3 3 0\n");
    // Of those that the user lets it see.
    let mut command = space.command(&["repro", "--force"]);
    let ran = command.env("CUDA_VISIBLE_DEVICES", "GPU-7,GPU-8").output();
    assert!(ran.unwrap().status.success());
    assert_eq!(space.read("x"), "3 3 GPU-7\n");
}

#[test]
fn a_stage_with_a_volatile_output_alone_finds_facts_of_the_run() {
    let space = Space::new(
        r#"
        [stage.a]
        cmd = "echo version $ATELIER_VERSION > ${out.log}"
        out = { log = { path = "a.txt", volatile = true } }
        [stage.b]
        cmd = "(printenv ATELIER_VERSION || echo none) > ${out.x}"
        out = { x = "b.txt" }
        "#,
    );
    space.ok(&["repro"]);
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(space.read("a.txt"), format!("version {version}\n"));
    assert_eq!(space.read("b.txt"), "none\n");
}

#[test]
fn reports_have_the_order_of_the_plan() {
    // The first stage ends last.
    let space = Space::new(
        r#"
        [stage.a]
        cmd = "while [ ! -e c.txt ]; do sleep 0.02; done; echo > a.txt"
        out = { x = "a.txt" }
        [stage.b]
        cmd = "echo > b.txt"
        out = { x = "b.txt" }
        [stage.c]
        cmd = "echo > c.txt"
        in = { b = "b.txt" }
        out = { x = "c.txt" }
        "#,
    );
    let told = |ran: &Ran| {
        let lines = ran.stdout.lines().filter(|line| line.contains("  "));
        let words = lines.map(|line| {
            line.split_whitespace()
                .take(2)
                .collect::<Vec<_>>()
                .join(" ")
        });
        words.collect::<Vec<_>>()
    };
    let ran = space.ok(&["repro", "--jobs", "3"]);
    assert_eq!(told(&ran), ["a ran", "b ran", "c ran"]);
    assert!(ran.stderr.contains("a  starts"), "{}", ran.stderr);
    // Who waits for the first learns of the others meanwhile.
    let held = |line: &str| line.starts_with("b  ran ") && line.ends_with("(told in its turn)");
    assert!(ran.stderr.lines().any(held), "{}", ran.stderr);
    let lock = space.read("pipeline.lock");
    // One after another, reports and records are the same.
    let alone = Space::new(
        &space
            .read("pipeline.toml")
            .replace("while [ ! -e c.txt ]; do sleep 0.02; done; ", ""),
    );
    assert_eq!(told(&alone.ok(&["repro"])), ["a ran", "b ran", "c ran"]);
    let of_others = |lock: &str| lock[lock.find("[b]").unwrap()..].to_owned();
    assert_eq!(of_others(&alone.read("pipeline.lock")), of_others(&lock));
}

#[test]
fn instances_of_one_key_run_once() {
    let twin = |name: &str| {
        format!(
            "[stage.{name}]\ncmd = \"sleep 0.2; echo > ${{out.x}}\"\nout = {{ x = \"{name}.txt\" }}\n"
        )
    };
    let space = Space::new(&["a", "b"].map(twin).concat());
    let states = space.states(&["repro", "--jobs", "2", "--json"]);
    assert_eq!(states, ["a ran", "b restored"]);
    assert_eq!(space.ran(), "a");
}

/// `a → b → c` of which the first fails, and `d → e` beside it.
const FAILING: &str = r#"
[stage.a]
cmd = "echo why >&2; exit 3"
out = { x = "a.txt" }
[stage.b]
cmd = "cat ${in.x} > ${out.x}"
in = { x = "a.txt" }
out = { x = "b.txt" }
[stage.c]
cmd = "cat ${in.x} ${in.y} > ${out.x}"
in = { x = "b.txt", y = "d.txt" }
out = { x = "c.txt" }
[stage.d]
cmd = "echo d > ${out.x}"
out = { x = "d.txt" }
[stage.e]
cmd = "cat ${in.x} > ${out.x}"
in = { x = "d.txt" }
out = { x = "e.txt" }
"#;

#[test]
fn after_a_failure_no_stage_starts() {
    let space = Space::new(FAILING);
    space.fails(&["repro"], "stage `a` failed: exit status 3");
    assert!(!space.exists("d.txt"));
}

#[test]
fn others_go_on_after_a_failure_where_that_is_asked_for() {
    for jobs in ["1", "3"] {
        let space = Space::new(FAILING);
        let ran = space.run(&["repro", "--keep-going", "--jobs", jobs]);
        assert_eq!(ran.code, Some(1));
        let expected =
            "error: stage `a` failed: exit status 3\n  why\nlog: .atelier/logs/a.log\na  failed\n";
        assert!(ran.stdout.starts_with(expected), "{}", ran.stdout);
        assert!(
            ran.stdout.contains("b  skipped        `a` failed\n"),
            "{}",
            ran.stdout
        );
        assert!(
            ran.stdout
                .contains("2 ran, 0 restored, 0 up to date, 1 failed, 2 skipped in "),
            "{}",
            ran.stdout
        );
        assert_eq!(space.read("e.txt"), "d\n");
        let ran = space.run(&["repro", "--keep-going", "--json"]);
        assert_eq!(ran.code, Some(1));
        let outcomes: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(outcomes[0]["state"], "failed");
        assert_eq!(outcomes[4]["state"], "up-to-date");
    }
}

#[test]
fn those_that_run_beside_a_failure_are_recorded() {
    let space = Space::new(
        r#"
        [stage.a]
        cmd = "while [ ! -e b.here ]; do sleep 0.02; done; exit 3"
        out = { x = "a.txt" }
        [stage.b]
        cmd = "touch b.here; sleep 0.3; echo > b.txt"
        out = { x = "b.txt" }
        "#,
    );
    let ran = space.run(&["repro", "--jobs", "2"]);
    assert_eq!(ran.code, Some(1));
    let waiting = "`a` failed; waiting for the end of `b`\n";
    assert!(ran.stderr.contains(waiting), "{}", ran.stderr);
    assert!(
        ran.stderr
            .contains("error: stage `a` failed: exit status 3"),
        "{}",
        ran.stderr
    );
    assert_eq!(space.states(&["repro", "b", "--json"]), ["b up-to-date"]);
}

fn answers(space: &Space, arguments: &[&str], answers: &str) -> Ran {
    let mut child = space.start_with_input(arguments);
    child
        .stdin
        .take()
        .unwrap()
        .write_all(answers.as_bytes())
        .unwrap();
    child.wait_with_output().unwrap().into()
}

#[test]
fn a_run_can_ask_before_each_stage() {
    let space = Space::new(CHAIN);
    let ran = answers(&space, &["repro", "--interactive"], "y\nn\n");
    assert_eq!(ran.code, Some(0));
    let question = "run `a` (no result in `pipeline.lock`)? [y]es, [n]o, [a]ll, [q]uit: ";
    assert!(ran.stderr.contains(question), "{}", ran.stderr);
    assert!(
        ran.stdout.contains("b  skipped        not wanted\n"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout.contains("c  skipped        `b` was skipped\n"),
        "{}",
        ran.stdout
    );
    assert_eq!(space.ran(), "a");
    // Standard input is empty.
    answers(&space, &["repro", "--interactive"], "");
    assert_eq!(space.ran(), "");
    answers(&space, &["repro", "--interactive"], "all\n");
    assert_eq!(space.ran(), "b c");
}
