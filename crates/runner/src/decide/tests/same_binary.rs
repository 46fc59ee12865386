//! Results of code that was built to the same binary.

use expect_test::{Expect, expect};
use workflow::declaration::Action;
use workflow::graph::Reach;

use super::digest;
use crate::memory::{Declare, Memory, stage};

/// A stage that a binary makes from the code "1", after a run.
fn compiled() -> Memory {
    let mut compiled = stage("a").reads("src").makes("a.txt").makes_volatile("log");
    compiled.action = Action::Run("crate/bin".to_owned());
    let mut memory = Memory::new([compiled]);
    build(&mut memory, "1", "binary");
    memory.run_all();
    memory
}

/// Edits the code, and builds it to these bytes.
fn build(memory: &mut Memory, code: &str, binary: &str) {
    memory
        .disk
        .code
        .insert("crate/bin".to_owned(), digest(code));
    memory
        .disk
        .binaries
        .insert("crate/bin".to_owned(), digest(binary));
}

/// The plan after `change` and an edit of code that is built to the same bytes.
fn check(change: impl FnOnce(&mut Memory), expected: Expect) {
    let mut memory = compiled();
    build(&mut memory, "2", "binary");
    change(&mut memory);
    let key = memory.disk.lock["a"].key.to_string();
    expected.assert_eq(&memory.status().replace(&key, "KEY"));
}

#[test]
fn an_equal_binary_leaves_the_last_result() {
    check(
        |_| {},
        expect![[r#"
            a same binary: rebuilt to the same binary as KEY's
        "#]],
    );
}

#[test]
fn before_a_build_and_with_another_binary_the_stage_runs() {
    check(
        |it| it.disk.binaries.clear(),
        expect![[r#"
            a would run: code crate/bin.rs changed
        "#]],
    );
    check(
        |it| build(it, "2", "another"),
        expect![[r#"
            a would run: code crate/bin.rs changed
        "#]],
    );
}

#[test]
fn an_equal_binary_runs_where_more_than_sources_differs() {
    check(
        |it| it.declare("a", |a| a.param("lr", 0.2)),
        expect![[r#"
            a would run: param lr 0.2 added, code crate/bin.rs changed
        "#]],
    );
    check(
        |it| it.write("src", "2"),
        expect![[r#"
            a would run: input src changed, code crate/bin.rs changed
        "#]],
    );
    check(
        |it| it.disk.data = Some(digest("table")),
        expect![[r#"
            a would run: code crate/bin.rs changed, code crate/table.csv added
        "#]],
    );
}

#[test]
fn a_record_without_a_binary_and_a_lost_one_leave_nothing_to_compare() {
    check(
        |it| {
            let key = it.disk.lock["a"].key;
            it.disk.records.get_mut(&key).unwrap().binary = None;
        },
        expect![[r#"
            a would run: code crate/bin.rs changed
        "#]],
    );
    check(
        |it| it.lose_record("a"),
        expect![[r#"
            a would run: something changed since (the cache has no record of the last run)
        "#]],
    );
}

#[test]
fn the_result_of_another_run_in_the_lock_is_not_of_the_recorded_binary() {
    check(
        |it| {
            it.write("a.txt", "another");
            let locked = it.disk.lock.get_mut("a").unwrap();
            locked.outputs.insert("a.txt".to_owned(), digest("another"));
        },
        expect![[r#"
            a would run: code crate/bin.rs changed
        "#]],
    );
}

#[test]
fn edited_and_missing_outputs_are_restored_or_made_anew() {
    let damage = |it: &mut Memory| {
        it.write("a.txt", "edited");
        it.remove("log");
    };
    check(
        damage,
        expect![[r#"
            a same binary: rebuilt to the same binary as KEY's
        "#]],
    );
    for lost in ["a.txt", "log"] {
        check(
            |it| {
                damage(it);
                it.lose("a", lost);
            },
            expect![[r#"
                a would run: code crate/bin.rs changed
            "#]],
        );
    }
    // An output in its place need not be in the cache.
    check(
        |it| it.lose("a", "a.txt"),
        expect![[r#"
            a same binary: rebuilt to the same binary as KEY's
        "#]],
    );
}

#[test]
fn forced_and_always_run_with_an_equal_binary() {
    let mut memory = compiled();
    build(&mut memory, "2", "binary");
    let forced = memory.plan(&["a"], Reach::Upstream, true);
    assert_eq!(forced, "a would run: forced\n");
    check(
        |it| it.declare("a", |a| a.always()),
        expect![[r#"
            a would run: always runs
        "#]],
    );
}

#[test]
fn a_result_of_the_key_itself_is_restored() {
    let mut memory = compiled();
    build(&mut memory, "2", "another");
    memory.run("a");
    build(&mut memory, "1", "another");
    expect![[r#"
        a would restore: code crate/bin.rs changed
    "#]]
    .assert_eq(&memory.status());
}

#[test]
fn a_command_for_the_shell_has_no_binary() {
    let mut memory = Memory::made([stage("a").reads("src").makes("a.txt")]);
    memory.declare("a", |mut a| {
        a.action = Action::Command(vec!["make a # twice".to_owned()]);
        a
    });
    expect![[r#"
        a would run: command cmd "make a" → "make a # twice"
    "#]]
    .assert_eq(&memory.status());
    assert_eq!(
        memory.questions("a", false),
        ["content src", "record", "record"]
    );
}

#[test]
fn a_stage_below_reads_the_outputs_that_stand() {
    let mut memory = compiled();
    memory.stages.push(stage("b").reads("a.txt").makes("b.txt"));
    memory.run("b");
    build(&mut memory, "2", "binary");
    memory.write("a.txt", "edited");
    let key = memory.disk.lock["a"].key.to_string();
    expect![[r#"
        a same binary: rebuilt to the same binary as KEY's
        b up to date
    "#]]
    .assert_eq(&memory.status().replace(&key, "KEY"));
}
