use keys::reason::listed;
use workflow::instance::Instance;

use crate::coherence::unfit_in;
use crate::memory::{Declare, Memory, stage};

fn made() -> Memory {
    Memory::made([
        stage("a").reads("src").param("lr", 0.1).makes("a.txt"),
        stage("b")
            .reads("a.txt")
            .param("device", "cpu")
            .makes("b.txt"),
        stage("c").reads("b.txt").makes("c.txt"),
    ])
}

/// A line an instance that doesn't fit.
fn unfit(memory: &mut Memory, stages: &[&str]) -> Vec<String> {
    let graph = memory.graph();
    let unfit = unfit_in(&graph, stages, &mut memory.disk).unwrap();
    let lines = unfit.iter();
    lines
        .map(|it| format!("{}: {}", it.stage, listed(&it.reasons)))
        .collect()
}

#[test]
fn results_of_one_run_fit() {
    assert!(unfit(&mut made(), &["c"]).is_empty());
}

#[test]
fn sources_devices_and_stages_below_are_not_compared() {
    let mut memory = made();
    memory.write("src", "2");
    memory.declare("b", |b| b.param("device", "cuda"));
    memory.remove("c.txt");
    assert!(unfit(&mut memory, &["b"]).is_empty());
}

#[test]
fn another_param_or_output_of_a_stage_above_does_not_fit() {
    let mut memory = made();
    memory.declare("a", |a| a.param("lr", 0.2));
    assert_eq!(unfit(&mut memory, &["c"]), ["a: param lr 0.1 → 0.2"]);
    memory.run("a");
    assert_eq!(unfit(&mut memory, &["c"]), ["b: input a.txt changed"]);
}

#[test]
fn outputs_of_the_named_stages_alone_must_be_in_place() {
    let mut memory = made();
    memory.remove("b.txt");
    assert!(unfit(&mut memory, &["c"]).is_empty());
    assert_eq!(
        unfit(&mut memory, &["b", "c"]),
        ["b: output b.txt is missing"]
    );
}

#[test]
fn a_stage_without_a_result_does_not_fit_and_a_frozen_one_does() {
    let mut memory = made();
    memory.disk.lock.remove("a");
    assert_eq!(
        unfit(&mut memory, &["b"]),
        ["a: no result in `pipeline.lock`"]
    );
    memory.declare("a", Instance::frozen);
    assert!(unfit(&mut memory, &["b"]).is_empty());
}

#[test]
fn without_the_record_params_are_not_compared() {
    let mut memory = made();
    memory.lose_record("a");
    memory.declare("a", |a| a.param("lr", 0.2));
    assert!(unfit(&mut memory, &["b"]).is_empty());
}
