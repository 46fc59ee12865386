//! Stages that are binaries of a cargo workspace: which edit of code concerns which.

use serde_json::Value;

use crate::space::Space;

/// Copies the text of an input to an output, in words of its own.
const MAIN: &str = r#"
/// A stage without dependencies: it finds its paths in the job file by hand.
fn main() {
    let job = std::env::args().nth(1).unwrap();
    let job = std::fs::read_to_string(job).unwrap();
    let after = |key: &str| {
        let start = job.find(key).unwrap() + key.len();
        let rest = &job[start..];
        rest[..rest.find('"').unwrap()].to_owned()
    };
    let text = std::fs::read_to_string(after("\"from\": \"")).unwrap();
    println!("{{\"warn\": \"{}\"}}", WORD);
    std::fs::write(after("\"to\": \""), library::decorate(&text)).unwrap();
}
"#;

const LIBRARY: &str = "pub fn decorate(text: &str) -> String {\n    text.to_uppercase()\n}\n";

/// `first` and `second` of the crate `app`, on top of the crate `library`; and
/// a crate that no stage uses.
pub(crate) fn workspace() -> Space {
    let space = Space::new(
        r#"
        [stage.first]
        run = "app/first"
        params = ["chain.number", "device"]
        in = { from = "src.txt" }
        out = { to = "first.txt" }
        [stage.second]
        run = "app/second"
        in = { from = "first.txt" }
        out = { to = "second.txt" }
        "#,
    );
    space.write("params.toml", "device = \"cpu\"\n[chain]\nnumber = 1\n");
    space.write(
        "Cargo.toml",
        "[workspace]\nresolver = \"3\"\nmembers = [\"app\", \"library\", \"other\"]\n",
    );
    let package = |name: &str, rest: &str| {
        format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n{rest}")
    };
    let dependency = "[dependencies]\nlibrary = { path = \"../library\" }\n";
    space.write("app/Cargo.toml", &package("app", dependency));
    space.write(
        "app/src/bin/first.rs",
        &format!("const WORD: &str = \"one\";\n{MAIN}"),
    );
    space.write(
        "app/src/bin/second/main.rs",
        &format!("const WORD: &str = \"two\";\n{MAIN}"),
    );
    space.write("library/Cargo.toml", &package("library", ""));
    space.write("library/src/lib.rs", LIBRARY);
    space.write("other/Cargo.toml", &package("other", ""));
    space.write("other/src/lib.rs", "");
    space
}

const DONE: [&str; 2] = ["first up-to-date", "second up-to-date"];

#[test]
fn an_edit_of_code_runs_the_stages_that_are_made_from_it() {
    let space = workspace();
    let ran = space.ok(&["repro"]);
    assert!(ran.stdout.contains("warning: first: one"), "{}", ran.stdout);
    assert_eq!(space.read("second.txt"), "SOURCE\n");
    assert_eq!(space.repro(), DONE);

    // None of these is compiled into a stage.
    space.write("library/tests/it.rs", "");
    space.write("library/README.md", "prose");
    space.write("library/src/tests.rs", "");
    space.write(
        "library/src/lib.rs",
        &format!("{LIBRARY}#[cfg(test)]\nmod tests {{\n}}\n"),
    );
    space.write("other/src/lib.rs", "pub fn other() {}\n");
    assert_eq!(space.repro(), DONE);

    // One binary is no part of the other.
    let second = space.read("app/src/bin/second/main.rs");
    space.write("app/src/bin/second/main.rs", &second.replace("two", "2"));
    assert_eq!(space.repro(), ["first up-to-date", "second ran"]);

    // A library is part of both; its results are the same bytes.
    let library = LIBRARY.replace("text.to_uppercase()", "text.to_lowercase().to_uppercase()");
    space.write("library/src/lib.rs", &library);
    let status = space.ok(&["status"]).stdout;
    assert!(
        status.contains("code library/src/lib.rs changed"),
        "{status}"
    );
    assert_eq!(space.repro(), ["first ran", "second ran"]);

    // The profile, an edition, a new file.
    let root = space.read("Cargo.toml");
    space.write(
        "Cargo.toml",
        &format!("{root}[profile.release]\nopt-level = 1\n"),
    );
    let status = space.ok(&["status"]).stdout;
    assert!(status.contains("build profile"), "{status}");
    space.write("Cargo.toml", &root);
    assert_eq!(space.repro(), DONE);

    // Results can be taken for those of changed code, and of nothing else.
    space.write("library/src/lib.rs", &format!("// Two.\n{LIBRARY}"));
    let states = space.states(&["adopt", "--json"]);
    assert_eq!(states, ["first adopted", "second adopted"]);
    assert_eq!(space.repro(), DONE);
    let explained = space.ok(&["explain", "first"]).stdout;
    assert!(
        explained.contains("the last result was adopted from "),
        "{explained}"
    );
    space.write("library/src/lib.rs", &format!("// Three.\n{LIBRARY}"));
    let changed = ["adopt", "first", "--set", "chain.number=2"];
    space.fails(
        &changed,
        "cannot adopt the result of `first`: more than its code has changed: param number 1 → 2",
    );
}

#[test]
fn a_rebuild_to_the_same_binary_leaves_the_result() {
    let space = workspace();
    assert_eq!(space.repro(), ["first ran", "second ran"]);
    let ran = space.runs().len();
    // Lines that aren't compiled, behind all that are.
    let comment = "// A comment.\n";
    let test = "#[cfg(test)]\nfn unused() {}\n";
    space.write("library/src/lib.rs", &format!("{LIBRARY}{test}{comment}"));
    let first = space.read("app/src/bin/first.rs");
    space.write("app/src/bin/first.rs", &format!("{first}{comment}"));
    let status = space.states(&["status", "--json"]);
    assert_eq!(status, ["first would-run", "second would-run"]);
    space.remove("first.txt");
    let outcomes = space.ok(&["repro", "--json"]).stdout;
    let outcomes: Value = serde_json::from_str(&outcomes).unwrap();
    for (outcome, stage) in outcomes.as_array().unwrap().iter().zip(["first", "second"]) {
        assert_eq!(outcome["stage"], stage);
        assert_eq!(outcome["state"], "same-binary", "{outcomes}");
        let reason = &outcome["reasons"][0];
        assert_eq!(reason["kind"], "same-binary");
        let key = reason["key"].as_str().unwrap();
        let told = format!("rebuilt to the same binary as {key}'s");
        assert_eq!(reason["text"], told.as_str());
        let explained = space.ok(&["explain", stage]).stdout;
        assert!(explained.contains(&told), "{explained}");
        let explained = space.ok(&["provenance", &format!("{stage}.txt")]).stdout;
        assert!(explained.contains(&told), "{explained}");
    }
    assert_eq!(space.read("first.txt"), "SOURCE\n");
    let runs = space.read(".atelier/runs.jsonl");
    let lines: Vec<&str> = runs.lines().skip(ran).collect();
    assert_eq!(lines.len(), 2, "{runs}");
    assert!(
        lines
            .iter()
            .all(|line| line.contains("\"outcome\":\"same-binary\""))
    );
    assert_eq!(space.repro(), DONE);

    // The result stands under each of its keys, and only a run makes another.
    space.write("library/src/lib.rs", &format!("{LIBRARY}{test}"));
    assert_eq!(space.repro(), ["first same-binary", "second same-binary"]);
    space.write("library/src/lib.rs", LIBRARY);
    space.write("app/src/bin/first.rs", &first);
    assert_eq!(space.repro(), ["first restored", "second restored"]);
    space.write("library/src/lib.rs", &format!("{LIBRARY}{comment}"));
    let forced = space.states(&["repro", "--force", "--json"]);
    assert_eq!(forced, ["first ran", "second ran"]);
    space.write("library/src/lib.rs", LIBRARY);
    space.write("library/src/words.txt", "words");
    assert_eq!(space.repro(), ["first ran", "second ran"]);
    space.write("library/src/lib.rs", &format!("{LIBRARY}{comment}"));
    let changed = ["repro", "--set", "chain.number=2", "--json"];
    assert_eq!(space.states(&changed), ["first ran", "second same-binary"]);
}

#[test]
fn a_library_counts_however_it_is_named() {
    let space = workspace();
    let dependency = |name: &str| format!("[dependencies]\n{name} = {{ path = \"../{name}\" }}\n");
    let other = space.read("other/Cargo.toml");
    space.write(
        "other/Cargo.toml",
        &format!("{other}{}", dependency("library")),
    );
    space.write(
        "other/src/lib.rs",
        "pub use library as renamed;\n#[macro_export]\nmacro_rules! decorated {\n    ($text:expr) => {\n        $crate::renamed::decorate($text)\n    };\n}\n",
    );
    let app = space.read("app/Cargo.toml");
    space.write(
        "app/Cargo.toml",
        &app.replace(&dependency("library"), &dependency("other")),
    );
    for (binary, call) in [
        (
            "app/src/bin/first.rs",
            "{ use other as o; o::decorated!(&text) }",
        ),
        (
            "app/src/bin/second/main.rs",
            "{ use other::{renamed as r}; r::decorate(&text) }",
        ),
    ] {
        let text = space.read(binary);
        space.write(binary, &text.replace("library::decorate(&text)", call));
    }
    assert_eq!(space.repro(), ["first ran", "second ran"]);
    space.write("library/src/lib.rs", &LIBRARY.replace("upper", "lower"));
    assert_eq!(space.repro(), ["first ran", "second ran"]);
    assert_eq!(space.read("second.txt"), "source\n");
}

#[test]
fn a_file_that_no_key_covers_is_an_error_before_anything_runs() {
    let space = workspace();
    let second = space.read("app/src/bin/second/main.rs");
    let with = |line: &str| space.write("app/src/bin/second/main.rs", &format!("{line}\n{second}"));
    let refused = |file: &str| {
        let told = format!(
            "stage `second` cannot run: `app/second` is made from `{file}`, which its key does not cover"
        );
        space.fails(&["repro"], &told);
        assert!(!space.exists("first.txt"));
    };
    space.write("app/tests/words.rs", "pub fn word() {}\n");
    with("#[path = \"../../../tests/words.rs\"]\n#[expect(dead_code)]\nmod words;");
    refused("app/tests/words.rs");
    space.write("words.txt", "words");
    with("#[expect(dead_code)]\nconst WORDS: &str = include_str!(\"../../../../words.txt\");");
    refused("words.txt");
    space.write("app/src/bin/second/words.rs", "pub fn word() {}\n");
    with("#[expect(dead_code)]\nmod words;");
    assert_eq!(space.repro(), ["first ran", "second ran"]);
}

#[test]
fn a_variable_that_no_key_covers_is_an_error_before_anything_runs() {
    let space = workspace();
    let refused = |variable: &str, place: &str| {
        let told = format!(
            "stage `first` cannot run: `app/first` is compiled with the environment variable `{variable}`, which {place} reads and its key does not cover"
        );
        space.fails(&["repro"], &told);
        assert!(!space.exists("first.txt"));
    };
    let first = space.read("app/src/bin/first.rs");
    let with = |line: &str| space.write("app/src/bin/first.rs", &format!("{first}{line}\n"));
    with("pub const HOST: Option<&str> = option_env!(\"ATELIER_TEST_HOST\");");
    refused("ATELIER_TEST_HOST", "`app/src/bin/first.rs` of crate `app`");
    with("pub const VERSION: &str = env!(\"CARGO_PKG_VERSION\");");
    refused("CARGO_PKG_VERSION", "`app/src/bin/first.rs` of crate `app`");
    // Variables of earlier compilations don't count.
    with("pub const NAMES: [&str; 2] = [env!(\"CARGO_PKG_NAME\"), env!(\"CARGO_BIN_NAME\")];");
    space.write(
        "library/src/word.rs",
        "pub const WORD: &str = env!(\"WORD\");\n",
    );
    space.write(
        "library/src/lib.rs",
        &format!("{LIBRARY}mod word;\npub use word::WORD;\n"),
    );
    let build_script = "fn main() { println!(\"cargo::rustc-env=WORD=word\"); }\n";
    space.write("library/build.rs", build_script);
    assert_eq!(space.repro(), ["first ran", "second ran"]);
    space.remove("first.txt");
    space.remove("pipeline.lock");
    space.write("library/build.rs", "fn main() {}\n");
    space.write(
        "library/src/word.rs",
        "pub const WORD: Option<&str> = option_env!(\"WORD\");\n",
    );
    refused("WORD", "`library/src/word.rs` of crate `library`");
}

#[test]
fn a_crate_outside_of_the_workspace_is_an_error() {
    let space = workspace();
    let root = space.read("Cargo.toml");
    space.write(
        "Cargo.toml",
        &root
            .replace(", \"library\"", "")
            .replace("members", "exclude = [\"library\"]\nmembers"),
    );
    space.fails(&["repro"], "`app/first` is made from crate `library` in ");
    assert!(!space.exists("first.txt"));
}

#[test]
fn flags_of_the_compiler_are_part_of_the_key() {
    let space = workspace();
    assert_eq!(space.repro(), ["first ran", "second ran"]);
    space.write(".cargo/config.toml", "[build]\njobs = 1\n");
    assert_eq!(space.repro(), DONE);
    space.write(
        ".cargo/config.toml",
        "[build]\nrustflags = [\"--cfg\", \"loud\"]\n",
    );
    let status = space.ok(&["status"]).stdout;
    assert!(status.contains("build flags"), "{status}");
    space.remove(".cargo/config.toml");
    assert_eq!(space.repro(), DONE);
}

#[test]
fn the_job_file_has_inputs_outputs_and_params() {
    let space = workspace();
    // A stage that fails keeps its work folder.
    space.write(
        "app/src/bin/first.rs",
        "fn main() { std::process::exit(4) }",
    );
    space.fails(&["repro"], "stage `first` failed: exit status 4");
    let jobs = space.snapshot();
    let (_, job) = jobs
        .iter()
        .find(|(path, _)| path.ends_with("job.json"))
        .unwrap();
    let job: Value = serde_json::from_slice(job).unwrap();
    assert_eq!(job["stage"], "first");
    assert_eq!(
        job["params"],
        serde_json::json!({"number": 1, "device": "cpu"})
    );
    assert!(job["in"]["from"].as_str().unwrap().ends_with("/src.txt"));
    assert!(
        job["out"]["to"]
            .as_str()
            .unwrap()
            .contains("/.atelier/work/")
    );
    assert!(job["scratch"].as_str().unwrap().ends_with("/scratch"));
}

#[test]
fn a_missing_crate_or_binary_is_found_before_anything_runs() {
    let space = workspace();
    let pipeline = space.read("pipeline.toml");
    space.write(
        "pipeline.toml",
        &pipeline.replace("app/second", "app/secnd"),
    );
    space.fails(
        &["repro"],
        "crate `app` has no binary `secnd`; did you mean `second`?",
    );
    space.write(
        "pipeline.toml",
        &pipeline.replace("app/second", "ap/second"),
    );
    space.fails(&["repro"], "no crate `ap`; did you mean `app`?");
    assert!(!space.exists("first.txt"));
}

#[test]
fn a_build_that_fails_runs_nothing() {
    let space = workspace();
    space.write("library/src/lib.rs", "pub fn decorate(");
    space.fails(&["repro"], "cannot build the stages");
    assert!(!space.exists("pipeline.lock") || !space.read("pipeline.lock").contains("[first]"));
}

#[test]
fn others_go_on_where_one_does_not_compile() {
    let space = workspace();
    let pipeline = space.read("pipeline.toml");
    let third = "[stage.third]\nrun = \"other/third\"\nin = { from = \"src.txt\" }\nout = { to = \"third.txt\" }\n";
    space.write("pipeline.toml", &format!("{pipeline}{third}"));
    let main = space.read("app/src/bin/first.rs");
    space.write("other/src/bin/third.rs", &main);
    let manifest = space.read("other/Cargo.toml");
    let dependency = "[dependencies]\nlibrary = { path = \"../library\" }\n";
    space.write("other/Cargo.toml", &format!("{manifest}{dependency}"));
    space.write("app/src/bin/first.rs", "fn main() {");
    let ran = space.run(&["repro", "--keep-going"]);
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    for told in [
        "error: stage `first` cannot run: `app/first` was not built\n",
        "second  skipped        `first` failed\n",
        "third   ran",
    ] {
        assert!(ran.stdout.contains(told), "{}", ran.stdout);
    }
    let outcomes = space.run(&["repro", "--keep-going", "--json"]).stdout;
    let outcomes: Value = serde_json::from_str(&outcomes).unwrap();
    assert!(
        outcomes[0]["key"].is_string(),
        "a watch tells by it what it has tried"
    );
    // Its own compiler's words stand above.
    assert!(ran.stderr.contains("unclosed delimiter"), "{}", ran.stderr);
    space.write("app/src/bin/first.rs", &main);
    let states = space.states(&["repro", "--keep-going", "--json"]);
    assert_eq!(states, ["first ran", "second ran", "third up-to-date"]);
}

#[test]
fn an_unknown_device_is_an_error() {
    workspace().fails(
        &["repro", "--set", "device=cude"],
        "unknown device `cude`; did you mean `cuda`?",
    );
}
