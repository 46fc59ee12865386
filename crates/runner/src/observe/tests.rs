use crate::memory::{Declare, Memory, stage};

/// A stage with a checked output, and one that reads it.
fn pair() -> Memory {
    Memory::made([
        stage("a").reads("src").makes("a.txt").checked("a.txt"),
        stage("b")
            .reads("a.txt")
            .makes("b.txt")
            .makes_volatile("log"),
    ])
}

#[test]
fn with_nothing_to_do_each_file_is_looked_at_and_the_cache_is_not() {
    let mut memory = pair();
    assert_eq!(
        memory.questions("b", false),
        ["content a.txt", "content b.txt", "exists log"]
    );
    // But for the note that the check has passed.
    assert_eq!(
        memory.questions("a", false),
        ["content src", "content a.txt", "has passed"]
    );
}

#[test]
fn outputs_of_another_key_are_not_looked_at() {
    let mut memory = pair();
    memory.write("src", "2");
    // The record of the last result, and one of this key.
    assert_eq!(
        memory.questions("a", false),
        ["content src", "record", "record"]
    );
}

#[test]
fn a_record_of_the_key_is_looked_through_to_the_first_output_that_is_lost() {
    let mut memory = pair();
    memory.remove("b.txt");
    assert_eq!(
        memory.questions("b", false),
        [
            "content a.txt",
            "content b.txt",
            "exists log",
            "record",
            "is stored",
            "is stored"
        ]
    );
    memory.lose("b", "b.txt");
    assert_eq!(memory.questions("b", false)[3..], ["record", "is stored"]);
}

#[test]
fn a_stage_that_runs_anyway_has_its_inputs_looked_at_alone() {
    let mut memory = pair();
    assert_eq!(memory.questions("b", true), ["content a.txt"]);
    memory.declare("b", |b| b.always());
    assert_eq!(memory.questions("b", false), ["content a.txt"]);
}

#[test]
fn of_a_frozen_stage_only_the_places_of_outputs_are_looked_at() {
    let mut memory = pair();
    memory.declare("b", |b| b.frozen());
    assert_eq!(memory.questions("b", false), ["exists b.txt", "exists log"]);
    memory.remove("b.txt");
    assert_eq!(
        memory.questions("b", false),
        ["exists b.txt", "is stored", "exists log"]
    );
}

#[test]
fn without_an_input_nothing_else_is_looked_at() {
    let mut memory = pair();
    memory.remove("src");
    assert_eq!(memory.questions("a", false), ["content src"]);
}

#[test]
fn an_uncached_output_is_looked_at_if_the_cache_does_not_have_it() {
    let mut memory = Memory::made([stage("a").reads("src").makes_uncached("z.txt")]);
    memory.disk.lock.clear();
    assert_eq!(
        memory.questions("a", false),
        ["content src", "record", "is stored", "content z.txt"]
    );
}
