//! The overlay of params that holds where a command is given none.

use crate::space::{CHAIN, Space};

fn workspace() -> Space {
    let space = Space::new(&format!("default-params = \"params/demo.toml\"\n{CHAIN}"));
    space.write("params/demo.toml", "[chain]\nletter = \"demo\"\n");
    space.write("mine.toml", "[chain]\nnumber = 7\n");
    space
}

#[test]
fn the_default_overlay_holds_for_every_command_without_params() {
    let space = workspace();
    space.ok(&["repro"]);
    assert_eq!(space.read("a.txt"), "source\ndemo\n");
    let is_done = |arguments: &[&str]| {
        let states = space.states(arguments);
        states.iter().all(|state| state.ends_with("up-to-date"))
    };
    assert!(is_done(&["status", "--json"]));
    assert!(is_done(&["repro", "--dry-run", "--json"]));
    assert!(is_done(&[
        "repro",
        "--params",
        "params/demo.toml",
        "--json"
    ]));
    // Another file takes its place; a setting doesn't.
    assert!(!is_done(&["status", "--params", "mine.toml", "--json"]));
    let why = space
        .ok(&["explain", "a", "--set", "chain.letter=w"])
        .stdout;
    assert!(why.contains("echo demo") && why.contains("echo w"), "{why}");
    space.ok(&["exp", "run", "--set", "chain.number=2"]);
    let shown = space.ok(&["exp", "show", "--json"]).stdout;
    assert_eq!(
        shown.matches("\"chain.letter\": \"demo\"").count(),
        2,
        "{shown}"
    );
}

#[test]
fn applied_values_are_written_where_the_next_repro_reads_them() {
    let space = workspace();
    space.ok(&["repro"]);
    space.ok(&["exp", "run", "--set", "chain.letter=new", "--name", "n"]);
    let said = space.ok(&["exp", "apply", "n"]).stdout;
    assert!(
        said.contains("params/demo.toml: chain.letter \"new\""),
        "{said}"
    );
    assert_eq!(
        space.read("params/demo.toml"),
        "[chain]\nletter = \"new\"\n"
    );
    assert_eq!(space.read("a.txt"), "source\nnew\n");
    assert_eq!(
        space.repro(),
        ["a up-to-date", "b up-to-date", "c up-to-date"]
    );
}

#[test]
fn errors_point_at_the_overlay_that_gave_the_value() {
    let space = workspace();
    space.write("params/demo.toml", "[chain]\n\nnumber = \"one\"\n");
    space.fails(&["status"], "--> params/demo.toml:3:10");
    space.write("params/demo.toml", "[chain]\nlettr = \"x\"\n");
    space.fails(
        &["status"],
        "unknown parameter `chain.lettr`; did you mean `chain.letter`?",
    );
    space.remove("params/demo.toml");
    space.fails(
        &["status"],
        "`default-params` names `params/demo.toml`, which does not exist",
    );
    space.ok(&["status", "--params", "mine.toml"]);
}

#[test]
fn a_missing_folder_of_images_is_reported_once_with_its_cure() {
    let space = Space::new(
        "default-params = \"demo.toml\"\n[stage.scan]\ncmd = \"ls ${in.images} > ${out.x}\"\nin = { images = \"${images.folder}\" }\nout = { x = \"x\" }\n[stage.page]\ncmd = \"ls ${in.images} ${in.x} > ${out.y}\"\nin = { images = \"${images.folder}\", x = \"x\" }\nout = { y = \"y\" }\n",
    );
    space.write("params.toml", "[images]\nfolder = \"data/images\"\n");
    space.write("demo.toml", "\n[images]\nfolder = \"data/painted\"\n");
    space.fails(
        &["repro"],
        "`scan` and `page` need the input `images`: `data/painted` does not exist, given by `images.folder` in demo.toml:3",
    );
    space.fails(
        &["repro"],
        "`cargo xtask init FOLDER` writes settings for a folder of images",
    );
}

/// A stage that allows no absent input, with the answer of the crate `stage`.
const STRICT: &str = r###"
fn main() {
    let job = std::fs::read_to_string(std::env::args().last().unwrap()).unwrap();
    if job.contains("\"images\":null") {
        println!(r##"{{"unusable": {{"part": "input", "key": "images", "reason": "invalid type: null, expected path string"}}}}"##);
        std::process::exit(1);
    }
}
"###;

#[test]
fn an_empty_path_of_an_input_that_is_needed_is_pointed_at() {
    let space = Space::new(
        "[stage.scan]\nrun = \"scan/scan\"\nin = { images = \"${images.folder}\" }\nout = { x = \"x\" }\n",
    );
    space.write(
        "params.toml",
        "[images]\n# Where they are.\nfolder = \"\"\n",
    );
    space.write(
        "Cargo.toml",
        "[workspace]\nresolver = \"3\"\nmembers = [\"scan\"]\n",
    );
    space.write(
        "scan/Cargo.toml",
        "[package]\nname = \"scan\"\nversion = \"0.1.0\"\nedition = \"2024\"\n",
    );
    space.write("scan/src/main.rs", STRICT);
    let message = "`images.folder` is empty, and stage `scan` needs its input `images`";
    space.fails(&["repro"], message);
    space.fails(&["repro"], "--> params.toml:3:1");
}
