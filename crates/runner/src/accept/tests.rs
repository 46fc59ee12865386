use workflow::declaration::Action;

use super::*;
use crate::memory::{Declare, Memory, stage};

fn made() -> Memory {
    let mut compiled = stage("a").reads("src").makes("a.txt").makes_volatile("log");
    compiled.action = Action::Run("crate/bin".to_owned());
    let mut memory = Memory::new([compiled]);
    code(&mut memory, "1");
    memory.run_all();
    memory
}

fn code(memory: &mut Memory, text: &str) {
    let digest = Digest::of_bytes(text.as_bytes());
    memory.disk.code.insert("crate/bin".to_owned(), digest);
}

fn adopted(memory: &mut Memory) -> Result<(Digest, BTreeMap<String, Digest>)> {
    let derivation = memory.derivation("a");
    let instance = memory.stages[0].clone();
    last_result(&instance, &derivation, &mut memory.disk)
}

fn refusal(memory: &mut Memory) -> String {
    adopted(memory).unwrap_err().to_string()
}

#[test]
fn the_last_result_stands_for_one_of_changed_code_with_its_volatile_outputs() {
    let mut memory = made();
    let before = memory.disk.lock["a"].key;
    code(&mut memory, "2");
    let (key, outputs) = adopted(&mut memory).unwrap();
    assert_eq!(key, before);
    assert_eq!(outputs.keys().collect::<Vec<_>>(), ["a.txt", "log"]);
}

#[test]
fn nothing_else_may_have_changed() {
    let mut memory = made();
    code(&mut memory, "2");
    memory.write("src", "2");
    memory.declare("a", |a| a.param("lr", 0.1));
    assert_eq!(
        refusal(&mut memory),
        "cannot adopt the result of `a`: more than its code has changed: param lr 0.1 added, input src changed"
    );
}

#[test]
fn the_outputs_must_be_in_place() {
    let mut memory = made();
    code(&mut memory, "2");
    memory.write("a.txt", "edited");
    memory.remove("log");
    assert_eq!(
        refusal(&mut memory),
        "cannot adopt the result of `a`: output a.txt was edited, output log is missing"
    );
}

#[test]
fn there_must_be_a_result_and_its_record() {
    let mut memory = made();
    memory.lose_record("a");
    assert_eq!(
        refusal(&mut memory),
        "cannot adopt the result of `a`: the cache has no record of what it was made from"
    );
    memory.disk.lock.clear();
    assert_eq!(
        refusal(&mut memory),
        "cannot adopt the result of `a`: `pipeline.lock` has none"
    );
}
