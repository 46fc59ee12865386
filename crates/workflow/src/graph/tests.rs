use std::collections::BTreeMap;

use super::*;
use crate::declaration::Action;
use crate::instance::{Input, Output};

/// An instance that reads and writes the given paths.
fn instance(name: &str, inputs: &[&str], outputs: &[&str]) -> Instance {
    let target = |path: &str| {
        if glob::is_pattern(path) {
            Target::Glob(path.into())
        } else {
            Target::Path(path.into())
        }
    };
    let inputs = inputs.iter().map(|path| {
        (
            (*path).to_owned(),
            Input {
                target: target(path),
                param: None,
            },
        )
    });
    let outputs = outputs.iter().map(|path| {
        (
            (*path).to_owned(),
            Output {
                path: path.into(),
                treatment: Default::default(),
            },
        )
    });
    Instance {
        name: name.into(),
        stage: name.split('@').next().unwrap().into(),
        desc: None,
        action: Action::Command(vec!["true".into()]),
        params: BTreeMap::new(),
        param_keys: BTreeMap::new(),
        inputs: inputs.collect(),
        outputs: outputs.collect(),
        show: None,
        is_source: name == "paint",
        device: None,
        env: Vec::new(),
        after: Vec::new(),
        rules: Default::default(),
    }
}

fn instance_after(after: &[&str], instance: Instance) -> Instance {
    Instance {
        after: after.iter().map(|name| (*name).to_owned()).collect(),
        ..instance
    }
}

/// `paint → split → train@0, train@1 → select`, declared backwards.
fn study() -> Graph {
    Graph::new(vec![
        instance("select", &["train/*/model"], &["selection"]),
        instance("train@0", &["split/folds"], &["train/0/model"]),
        instance("train@1", &["split"], &["train/1/model"]),
        instance("split", &["images/a.png"], &["split/folds"]),
        instance("paint", &[], &["images"]),
    ])
    .unwrap()
}

fn names(graph: &Graph, ids: impl IntoIterator<Item = InstanceId>) -> Vec<&str> {
    let names = ids.into_iter().map(|id| graph.instances[id].name.as_str());
    names.collect()
}

fn check_selected(targets: &[&str], reach: Reach, expected: &[&str]) {
    let graph = study();
    let targets: Vec<String> = targets.iter().map(|target| (*target).to_owned()).collect();
    let selection = graph.select(Path::new("/w"), &targets, reach).unwrap();
    let order = graph
        .order
        .iter()
        .copied()
        .filter(|id| selection.reached.contains(id));
    assert_eq!(names(&graph, order), expected);
}

#[test]
fn the_order_follows_the_data() {
    let graph = study();
    let order = names(&graph, graph.order.iter().copied());
    assert_eq!(order, ["paint", "split", "train@0", "train@1", "select"]);
}

#[test]
fn targets_reach_up_down_or_nowhere() {
    check_selected(
        &["train"],
        Reach::Upstream,
        &["paint", "split", "train@0", "train@1"],
    );
    check_selected(&["train@1"], Reach::Single, &["train@1"]);
    check_selected(
        &["split"],
        Reach::Downstream,
        &["split", "train@0", "train@1", "select"],
    );
    check_selected(&["train/0/model"], Reach::Single, &["train@0"]);
    check_selected(
        &["/w/train/*/model"],
        Reach::Single,
        &["train@0", "train@1"],
    );
    check_selected(
        &[],
        Reach::Upstream,
        &["paint", "split", "train@0", "train@1", "select"],
    );
}

#[test]
fn a_source_runs_only_where_it_is_needed() {
    let graph = Graph::new(vec![
        instance("paint", &[], &["images"]),
        instance("split", &["other"], &["folds"]),
    ])
    .unwrap();
    let selection = graph.select(Path::new("/w"), &[], Reach::Upstream).unwrap();
    assert_eq!(names(&graph, selection.reached), ["split"]);
}

#[test]
fn unknown_targets_name_the_nearest() {
    let error = study().select(Path::new("/w"), &["trian".into()], Reach::Upstream);
    assert!(
        error
            .unwrap_err()
            .to_string()
            .ends_with("did you mean `train`?")
    );
    assert!(
        study()
            .one("train")
            .unwrap_err()
            .to_string()
            .contains("`train@0`, `train@1`")
    );
}

#[test]
fn a_cycle_is_printed_as_a_chain() {
    let error = Graph::new(vec![
        instance("a", &["c.out"], &["a.out"]),
        instance("b", &["a.out"], &["b.out"]),
        instance("c", &["b.out"], &["c.out"]),
        instance("after", &["c.out"], &["d.out"]),
    ]);
    assert_eq!(
        error.unwrap_err().to_string(),
        "stages form a cycle: a → b → c → a"
    );
    let error = Graph::new(vec![instance("a", &["x/y"], &["x"])]);
    assert_eq!(error.unwrap_err().to_string(), "stages form a cycle: a → a");
}

#[test]
fn order_only_dependencies_order_and_reach_without_data() {
    let graph = Graph::new(vec![
        instance_after(&["check"], instance("use", &["data"], &["result"])),
        instance("check@0", &[], &[]),
        instance("check@1", &["data"], &[]),
        instance("make", &[], &["data"]),
    ])
    .unwrap();
    let order = names(&graph, graph.order.iter().copied());
    assert_eq!(order, ["check@0", "make", "check@1", "use"]);
    let select = |target: &str, reach| {
        let selection = graph.select(Path::new("/w"), &[target.to_owned()], reach);
        names(&graph, selection.unwrap().reached)
    };
    assert_eq!(
        select("use", Reach::Upstream),
        ["use", "check@0", "check@1", "make"]
    );
    assert_eq!(select("use", Reach::Single), ["use"]);
    assert_eq!(select("check@0", Reach::Downstream), ["check@0"]);
    assert_eq!(
        names(&graph, graph.upstream[InstanceId::new(0)].iter().copied()),
        ["make"]
    );
}

#[test]
fn a_cycle_through_an_order_only_dependency_is_an_error() {
    let error = Graph::new(vec![
        instance_after(&["b"], instance("a", &[], &["a.out"])),
        instance("b", &["a.out"], &["b.out"]),
    ]);
    assert_eq!(
        error.unwrap_err().to_string(),
        "stages form a cycle: a → b → a"
    );
    let error = Graph::new(vec![instance_after(&["a"], instance("a", &[], &["x"]))]);
    assert_eq!(error.unwrap_err().to_string(), "stages form a cycle: a → a");
}

#[test]
fn overlapping_outputs_are_refused() {
    for (first, second) in [("x", "x"), ("x", "x/y/z")] {
        let error = Graph::new(vec![
            instance("a", &[], &[first]),
            instance("b", &[], &[second, "x.y"]),
        ]);
        let message = error.unwrap_err().to_string();
        assert!(
            message.contains("of `a`") && message.contains("of `b`"),
            "{message}"
        );
    }
    assert!(
        Graph::new(vec![
            instance("a", &[], &["x"]),
            instance("b", &[], &["x.y", "xy"])
        ])
        .is_ok()
    );
}
