//! Changes, and the stages that run after them.

use crate::space::{CHAIN, Space};

const ALL: [&str; 3] = ["a up-to-date", "b up-to-date", "c up-to-date"];

fn done() -> Space {
    let space = Space::new(CHAIN);
    assert_eq!(space.repro(), ["a ran", "b ran", "c ran"]);
    assert_eq!(space.ran(), "a b c");
    space
}

#[test]
fn nothing_changed_nothing_runs() {
    let space = done();
    let lock = space.path("pipeline.lock");
    let before = fs_err::metadata(&lock).unwrap().modified().unwrap();
    assert_eq!(space.repro(), ALL);
    assert_eq!(space.ran(), "");
    let after = fs_err::metadata(&lock).unwrap().modified().unwrap();
    assert_eq!(before, after, "an unchanged lock is not written again");
}

#[test]
fn an_edited_source_runs_the_stages_that_depend_on_it() {
    let space = done();
    space.write("src.txt", "edited\n");
    assert_eq!(
        space.states(&["status", "--json"]),
        ["a would-run", "b may-run", "c may-run"]
    );
    assert_eq!(space.repro(), ["a ran", "b ran", "c ran"]);
    assert_eq!(space.read("c.txt"), "edited\nc\n");
}

#[test]
fn a_touched_source_runs_nothing() {
    let space = done();
    space.write("src.txt", "source\n");
    assert_eq!(space.repro(), ALL);
}

#[test]
fn the_same_bytes_stop_there() {
    let space = done();
    // `b` doesn't use the second line of `a.txt`.
    let states = space.states(&["repro", "--json", "--set", "chain.letter=y"]);
    assert_eq!(states, ["a ran", "b ran", "c up-to-date"]);
    assert_eq!(space.ran(), "a b");
}

#[test]
fn a_param_changed_and_back_is_restored() {
    let space = done();
    space.ok(&["repro", "--set", "chain.letter=y"]);
    assert_eq!(space.read("a.txt"), "source\ny\n");
    space.ran();
    assert_eq!(space.repro(), ["a restored", "b restored", "c up-to-date"]);
    assert_eq!(space.read("a.txt"), "source\nx\n");
    assert_eq!(space.ran(), "");
}

#[test]
fn an_unlisted_param_runs_nothing() {
    let space = done();
    assert_eq!(
        space.states(&["repro", "--json", "--set", "chain.number=2"]),
        ALL
    );
}

#[test]
fn an_edited_command_says_so() {
    let space = done();
    space.write("pipeline.toml", &CHAIN.replace("head -n 1", "head -n 2"));
    let status = space.ok(&["status"]).stdout;
    assert!(status.contains("command cmd changed"), "{status}");
    assert_eq!(space.repro(), ["a up-to-date", "b ran", "c ran"]);
}

#[test]
fn comments_descriptions_and_order_change_nothing() {
    let space = done();
    let mut stages: Vec<&str> = CHAIN.split("\n\n").collect();
    stages.reverse();
    let text = format!("# A comment.\n{}", stages.join("\n\n"))
        .replace("cmd =", "desc = \"for people\"\ncmd =");
    space.write("pipeline.toml", &text);
    assert_eq!(space.repro(), ALL);
}

#[test]
fn a_renamed_stage_finds_its_result() {
    let space = done();
    space.write("pipeline.toml", &CHAIN.replace("[stage.c]", "[stage.last]"));
    assert_eq!(
        space.repro(),
        ["a up-to-date", "b up-to-date", "last restored"]
    );
}

#[test]
fn a_deleted_lock_is_rebuilt_from_the_cache() {
    let space = done();
    let lock = space.read("pipeline.lock");
    space.remove("pipeline.lock");
    assert_eq!(space.repro(), ["a restored", "b restored", "c restored"]);
    assert_eq!(space.read("pipeline.lock"), lock);
    assert_eq!(space.repro(), ALL);
    assert_eq!(space.ran(), "");
}

#[test]
fn explain_shows_both_values() {
    let space = done();
    let text = space
        .ok(&["explain", "a", "--set", "chain.letter=y"])
        .stdout;
    assert!(text.contains("command cmd changed\n"), "{text}");
    assert!(
        text.contains("    + \"cat src.txt > ${out.a}; echo y >> ${out.a}\""),
        "{text}"
    );
    assert_eq!(space.ok(&["explain", "a"]).stdout, "a up to date\n");
}

#[test]
fn files_of_an_input_folder_count() {
    let space = Space::new(
        "[stage.list]\ncmd = \"ls -R data > list.txt\"\nin = { data = \"data\" }\nout = { list = \"list.txt\" }\n",
    );
    space.write("data/one", "1");
    assert_eq!(space.repro(), ["list ran"]);
    space.write("data/deep/two", "2");
    assert_eq!(space.repro(), ["list ran"]);
    space.write("data/deep/two", "2!");
    assert_eq!(space.repro(), ["list ran"]);
    fs_err::rename(space.path("data/deep/two"), space.path("data/deep/three")).unwrap();
    assert_eq!(space.repro(), ["list ran"]);
    space.remove("data/deep");
    assert_eq!(space.repro(), ["list restored"]);
    assert_eq!(space.repro(), ["list up-to-date"]);
}

#[test]
fn an_added_or_renamed_input_or_output_runs() {
    let space = done();
    let more = |from: &str, to: &str| space.write("pipeline.toml", &CHAIN.replace(from, to));
    let input = "in = { b = \"out/b.txt\" }";
    more(input, "in = { b = \"out/b.txt\", src = \"src.txt\" }");
    assert_eq!(space.repro(), ["a up-to-date", "b up-to-date", "c ran"]);
    let output =
        "cat ${in.b} > ${out.c}; echo c >> ${out.c}\"\nin = { b = \"out/b.txt\" }\nout = { c = ";
    let renamed = output.replace("out.c", "out.d").replace("{ c =", "{ d =");
    more(output, &renamed);
    assert_eq!(space.repro(), ["a up-to-date", "b up-to-date", "c ran"]);
    // The path of an output is no part of its content.
    more("out = { c = \"c.txt\" }", "out = { c = \"d.txt\" }");
    assert_eq!(
        space.repro(),
        ["a up-to-date", "b up-to-date", "c restored"]
    );
    assert_eq!(space.read("d.txt"), "source\nc\n");
}

#[test]
fn of_a_stage_that_is_not_deterministic_the_newest_is_kept() {
    let space = Space::new("[stage.s]\ncmd = \"date +%s%N > ${out.x}\"\nout = { x = \"x.txt\" }\n");
    space.ok(&["repro"]);
    let first = space.read("x.txt");
    space.ok(&["repro", "--force"]);
    let second = space.read("x.txt");
    assert_ne!(first, second);
    space.remove("x.txt");
    space.remove("pipeline.lock");
    assert_eq!(space.repro(), ["s restored"]);
    assert_eq!(space.read("x.txt"), second);
}
