//! Outputs.

use crate::space::{CHAIN, Space};

fn stage(cmd: &str, out: &str) -> Space {
    Space::new(&format!("[stage.s]\ncmd = '''{cmd}'''\nout = {out}\n"))
}

#[test]
fn a_deleted_output_is_restored() {
    let space = Space::new(CHAIN);
    space.ok(&["repro"]);
    space.ran();
    space.remove("a.txt");
    assert_eq!(
        space.repro(),
        ["a restored", "b up-to-date", "c up-to-date"]
    );
    space.remove("pipeline.lock");
    space.remove("out");
    assert_eq!(space.repro(), ["a restored", "b restored", "c restored"]);
    assert_eq!(space.read("out/b.txt"), "source\n");
    assert_eq!(space.ran(), "");
}

#[test]
fn an_output_that_is_not_made_is_an_error() {
    let space = stage("true", "{ x = \"x.txt\", y = \"y.txt\" }");
    space.fails(&["repro"], "did not write its output `x` (`x.txt`)");
    let space = stage("echo 1 > x.txt", "{ x = \"x.txt\", y = \"y.txt\" }");
    space.fails(&["repro"], "did not write its output `y` (`y.txt`)");
    assert!(!space.exists("x.txt"), "all outputs come in, or none");
    assert!(!space.read("pipeline.lock").contains("[s]"));
}

#[test]
fn a_failure_leaves_the_previous_outputs() {
    for out in ["x.txt", "${out.x}"] {
        let space = stage(
            &format!("echo ${{chain.letter}} > {out}; test ${{chain.letter}} = x"),
            "{ x = \"x.txt\" }",
        );
        space.ok(&["repro"]);
        space.fails(
            &["repro", "--set", "chain.letter=y"],
            "stage `s` failed: exit status 1",
        );
        assert_eq!(space.read("x.txt"), "x\n");
        assert_eq!(space.repro(), ["s up-to-date"]);
    }
}

#[test]
fn a_failure_shows_the_end_of_the_log() {
    let space = stage("echo the reason >&2; exit 3", "{ x = \"x.txt\" }");
    space.fails(
        &["repro"],
        "stage `s` failed: exit status 3\n  the reason\nlog: .atelier/logs/s.log",
    );
    let log = space.ok(&["log", "s"]).stdout;
    assert!(
        log.starts_with("# s: ") && log.contains("the reason\n# exit status 3, "),
        "{log}"
    );
}

#[test]
fn a_failure_within_a_pipe_or_a_list_fails() {
    stage("false | cat > x.txt", "{ x = \"x.txt\" }").fails(&["repro"], "exit status 1");
    stage("false; echo > x.txt", "{ x = \"x.txt\" }").fails(&["repro"], "exit status 1");
}

#[test]
fn a_stale_file_in_an_output_folder_goes() {
    let space = stage("mkdir -p d; echo > d/${chain.letter}", "{ d = \"d\" }");
    space.ok(&["repro"]);
    space.ok(&["repro", "--set", "chain.letter=y"]);
    assert!(space.exists("d/y") && !space.exists("d/x"));
}

#[test]
fn an_edited_output_is_backed_up() {
    let space = Space::new(CHAIN);
    space.ok(&["repro"]);
    space.write("c.txt", "mine\n");
    let status = space.ok(&["status"]).stdout;
    assert!(status.contains("output c was edited"), "{status}");
    let ran = space.ok(&["repro"]);
    assert!(
        ran.stdout.contains("it is now `.atelier/backup/1/c.txt`"),
        "{}",
        ran.stdout
    );
    assert_eq!(space.read(".atelier/backup/1/c.txt"), "mine\n");
    assert_eq!(space.read("c.txt"), "source\nc\n");
    space.write("c.txt", "mine again\n");
    space.ok(&["repro", "c", "--force"]);
    assert_eq!(space.read(".atelier/backup/2/c.txt"), "mine again\n");
}

#[test]
fn a_file_in_the_place_of_a_first_output_is_kept_aside() {
    for out in ["x.txt", "${out.x}"] {
        let space = stage(&format!("echo new > {out}"), "{ x = \"x.txt\" }");
        space.write("x.txt", "precious\n");
        space.ok(&["repro"]);
        assert_eq!(space.read("x.txt"), "new\n");
        let kept: Vec<_> = space
            .snapshot()
            .into_iter()
            .filter(|(_, bytes)| bytes == b"precious\n")
            .collect();
        assert_eq!(kept.len(), 1);
    }
}

#[test]
fn a_volatile_output_decides_nothing() {
    let pipeline = r#"
        [stage.s]
        cmd = "echo same > ${out.x}; date +%N > ${out.time}"
        out = { x = "x.txt", time = { path = "time.txt", volatile = true } }
        [stage.t]
        cmd = "cat ${in.x} ${in.time} > ${out.y}"
        in = { x = "x.txt", time = "time.txt" }
        out = { y = "y.txt" }
    "#;
    let space = Space::new(pipeline);
    space.ok(&["repro"]);
    assert!(!space.read("pipeline.lock").contains("time"));
    space.write("time.txt", "another");
    assert_eq!(space.repro(), ["s up-to-date", "t up-to-date"]);
    assert_eq!(
        space.states(&["repro", "s", "--force", "--json"]),
        ["s ran"]
    );
    assert_eq!(space.repro(), ["s up-to-date", "t up-to-date"]);
    space.remove("time.txt");
    assert_eq!(space.repro(), ["s restored", "t up-to-date"]);
    assert!(space.exists("time.txt"));
}

#[test]
fn a_text_is_shown_at_the_end() {
    let space = Space::new(
        "[stage.s]\ncmd = \"echo the table > ${out.x}\"\nout = { x = \"x.txt\" }\nshow = \"x\"\n",
    );
    assert!(space.ok(&["repro"]).stdout.ends_with("\nthe table\n"));
    assert!(space.ok(&["repro"]).stdout.ends_with("\nthe table\n"));
    assert!(!space.ok(&["repro", "--quiet"]).stdout.contains("table"));
}

#[test]
fn an_output_folder_that_leads_outside_is_refused() {
    let outside = tempfile::tempdir().unwrap();
    let space = stage("echo > link/x.txt", "{ x = \"link/x.txt\" }");
    std::os::unix::fs::symlink(outside.path(), space.path("link")).unwrap();
    space.fails(&["repro"], "leads out of the workspace by a symbolic link");
    assert_eq!(fs_err::read_dir(outside.path()).unwrap().count(), 0);
}

#[test]
fn odd_names_are_as_any_other() {
    for name in ["with space", "it's", "ünï☃", "a\\\"b", "new\\nline"] {
        let space = Space::new(&format!(
            "[stage.s]\ncmd = 'echo hi > ${{out.x}}'\nout = {{ x = \"{name}.txt\" }}\n[stage.t]\ncmd = 'cat ${{in.x}} > ${{out.y}}'\nin = {{ x = \"{name}.txt\" }}\nout = {{ y = \"y\" }}\n"
        ));
        assert_eq!(space.repro(), ["s ran", "t ran"]);
        assert_eq!(space.repro(), ["s up-to-date", "t up-to-date"]);
        assert_eq!(space.read("y"), "hi\n");
    }
}

#[test]
fn the_executable_bit_is_kept() {
    use std::os::unix::fs::PermissionsExt;
    let space = stage(
        "mkdir ${out.d}; echo 'echo hi' > ${out.d}/run; chmod +x ${out.d}/run; cp ${out.d}/run ${out.x}",
        "{ d = \"d\", x = \"x\" }",
    );
    space.ok(&["repro"]);
    space.remove("d");
    space.remove("x");
    assert_eq!(space.repro(), ["s restored"]);
    for name in ["d/run", "x"] {
        let mode = fs_err::metadata(space.path(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o100, 0o100, "{name}");
    }
}
