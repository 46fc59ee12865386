//! Decisions on snapshots that are written down; [`plan`](crate::plan) has those on snapshots that are observed.

use expect_test::{Expect, expect};
use keys::inputs::{Inputs, resolve};

use super::*;
use crate::memory::{Declare, stage};

fn digest(text: &str) -> Digest {
    Digest::of_bytes(text.as_bytes())
}

fn instance() -> Instance {
    stage("a").makes("x").makes_volatile("log")
}

fn derivation(instance: &Instance) -> Derivation {
    match resolve(instance, Inputs::default()) {
        Resolved::Known(derivation) => derivation,
        other => panic!("there are no inputs to wait for: {other:?}"),
    }
}

/// A result of `instance` whose manifest is `manifest`.
fn record(manifest: &Manifest) -> Record {
    Record {
        outputs: BTreeMap::from([
            ("x".to_owned(), digest("x")),
            ("log".to_owned(), digest("l")),
        ]),
        manifest: manifest.to_string(),
        accepted: None,
        binary: None,
    }
}

fn locked(key: Digest) -> Locked {
    Locked {
        key,
        inputs: BTreeMap::new(),
        outputs: BTreeMap::from([("x".to_owned(), digest("x"))]),
    }
}

/// A snapshot of an instance that has all inputs and no result.
fn snapshot(instance: &Instance) -> Snapshot<'_> {
    Snapshot {
        instance,
        is_forced: false,
        resolved: Some(Resolved::Known(derivation(instance))),
        locked: None,
        last: None,
        outputs: BTreeMap::new(),
        cached: None,
        binary: None,
        stored: BTreeSet::new(),
        unchecked: Vec::new(),
        waits_for: Vec::new(),
    }
}

/// A snapshot of an instance whose result is up to date.
fn settled(instance: &Instance) -> Snapshot<'_> {
    let key = derivation(instance).key;
    Snapshot {
        locked: Some(locked(key).into()),
        outputs: BTreeMap::from([
            ("x", OutputState::Present(Some(digest("x")))),
            ("log", OutputState::Present(None)),
        ]),
        ..snapshot(instance)
    }
}

/// The kind of a decision, and its reasons.
fn shown(decision: &Decision) -> String {
    let (kind, reasons) = match decision {
        Decision::UpToDate { unchecked, .. } => {
            (format!("up to date, unchecked {unchecked:?}"), &[][..])
        }
        Decision::Frozen { restore } => (format!("frozen, restore {:?}", restore.keys()), &[][..]),
        Decision::Restore { reasons, .. } => ("restore".to_owned(), &reasons[..]),
        Decision::SameBinary { restore, .. } => (
            format!("same binary, restore {:?}", restore.keys()),
            &[][..],
        ),
        Decision::Run { reasons, .. } => ("run".to_owned(), &reasons[..]),
        Decision::Pending { certain, reasons } => {
            (format!("pending, certain {certain}"), &reasons[..])
        }
        Decision::Blocked(reason) => ("blocked".to_owned(), std::slice::from_ref(reason)),
    };
    let reasons = reasons.iter().map(|reason| format!("\n{reason}"));
    kind + &reasons.collect::<String>()
}

fn check(snapshot: Snapshot<'_>, expected: Expect) {
    expected.assert_eq(&shown(&decide(snapshot)));
}

#[test]
fn a_result_in_place_is_up_to_date() {
    let instance = instance();
    check(settled(&instance), expect!["up to date, unchecked []"]);
    let unchecked = Snapshot {
        unchecked: vec!["x".to_owned()],
        ..settled(&instance)
    };
    check(unchecked, expect![[r#"up to date, unchecked ["x"]"#]]);
}

#[test]
fn the_key_of_an_up_to_date_result_is_that_of_the_inputs() {
    let instance = instance();
    match decide(settled(&instance)) {
        Decision::UpToDate { key, .. } => assert_eq!(key, derivation(&instance).key),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_whole_record_is_restored_and_else_the_stage_runs() {
    let instance = instance();
    let cached = || Some(record(&derivation(&instance).manifest));
    check(
        snapshot(&instance),
        expect![[r#"
        run
        no result in `pipeline.lock`"#]],
    );
    check(
        Snapshot {
            cached: cached(),
            ..snapshot(&instance)
        },
        expect![[r#"
            restore
            no result in `pipeline.lock`"#]],
    );
    let missing = || Snapshot {
        outputs: BTreeMap::from([
            ("x", OutputState::Missing { stored: None }),
            ("log", OutputState::Missing { stored: None }),
        ]),
        ..settled(&instance)
    };
    check(
        missing(),
        expect![[r#"
        run
        output log is missing
        output x is missing
        the cache does not have it"#]],
    );
    check(
        Snapshot {
            cached: cached(),
            ..missing()
        },
        expect![[r#"
            restore
            output log is missing
            output x is missing"#]],
    );
}

#[test]
fn a_run_names_the_stages_that_it_waits_for_and_a_restoration_does_not() {
    let instance = instance();
    let waiting = || Snapshot {
        waits_for: vec!["first".to_owned(), "second".to_owned()],
        ..snapshot(&instance)
    };
    check(
        waiting(),
        expect![[r#"
        run
        no result in `pipeline.lock`
        `first` comes first
        `second` comes first"#]],
    );
    let cached = Some(record(&derivation(&instance).manifest));
    check(
        Snapshot {
            cached,
            ..waiting()
        },
        expect![[r#"
            restore
            no result in `pipeline.lock`"#]],
    );
}

#[test]
fn a_changed_key_is_explained_by_the_record_of_the_last_result() {
    let instance = instance().param("lr", 0.2);
    let before = derivation(&stage("a").makes("x").makes_volatile("log").param("lr", 0.1));
    let changed = |last| Snapshot {
        locked: Some(locked(before.key).into()),
        last,
        ..snapshot(&instance)
    };
    check(
        changed(Some(record(&before.manifest))),
        expect![[r#"
        run
        param lr 0.1 → 0.2"#]],
    );
    check(
        changed(None),
        expect![[r#"
        run
        something changed since (the cache has no record of the last run)"#]],
    );
}

#[test]
fn forced_and_always_need_a_key_and_no_result() {
    let instance = instance();
    let forced = || Snapshot {
        is_forced: true,
        ..settled(&instance)
    };
    check(
        forced(),
        expect![[r#"
        run
        forced"#]],
    );
    let always = instance.clone().always();
    check(
        settled(&always),
        expect![[r#"
        run
        always runs"#]],
    );
    let missing = Resolved::Missing {
        path: "nowhere".into(),
        partial: partial(),
    };
    check(
        Snapshot {
            resolved: Some(missing),
            ..forced()
        },
        expect![[r#"
            blocked
            `nowhere` does not exist"#]],
    );
    let pending = Some(Resolved::Pending(partial()));
    check(
        Snapshot {
            resolved: pending,
            ..forced()
        },
        expect![[r#"
            pending, certain true
            forced"#]],
    );
}

fn partial() -> Partial {
    Partial {
        known: derivation(&instance()).manifest,
        pending: BTreeMap::new(),
    }
}

#[test]
fn a_stage_that_waits_runs_for_certain_if_more_than_the_awaited_inputs_changed() {
    let instance = instance();
    let pending = |last: Option<&Manifest>| Snapshot {
        resolved: Some(Resolved::Pending(partial())),
        last: last.map(record),
        waits_for: vec!["first".to_owned()],
        ..snapshot(&instance)
    };
    check(
        pending(Some(&partial().known)),
        expect![[r#"
        pending, certain false
        `first` comes first"#]],
    );
    check(
        pending(Some(&Manifest::default())),
        expect![[r#"
        pending, certain true
        command cmd "make a" added
        output log volatile added
        output x kept added
        `first` comes first"#]],
    );
    check(
        pending(None),
        expect![[r#"
        pending, certain true
        no result in `pipeline.lock`
        `first` comes first"#]],
    );
}

#[test]
fn a_frozen_stage_needs_its_outputs_but_for_volatile_ones() {
    let instance = instance().frozen();
    let frozen = |x, log| Snapshot {
        resolved: None,
        outputs: BTreeMap::from([("x", x), ("log", log)]),
        ..snapshot(&instance)
    };
    let present = OutputState::Present(None);
    let lost = OutputState::Missing { stored: None };
    let stored = OutputState::Missing {
        stored: Some(digest("x")),
    };
    check(frozen(present, present), expect!["frozen, restore []"]);
    check(frozen(present, lost), expect!["frozen, restore []"]);
    check(
        frozen(stored, stored),
        expect![[r#"frozen, restore ["log", "x"]"#]],
    );
    check(
        frozen(lost, present),
        expect![[r#"
        blocked
        it is frozen, and `x` is neither there nor in the cache"#]],
    );
}

#[test]
fn outputs_without_a_recorded_content_were_edited() {
    let outputs = BTreeMap::from([("x", OutputState::Present(Some(digest("x"))))]);
    let texts = |recorded: BTreeMap<String, Digest>| {
        let reasons = misplaced(&outputs, &recorded);
        reasons.iter().map(Reason::to_string).collect::<Vec<_>>()
    };
    assert!(texts(locked(digest("k")).outputs).is_empty());
    assert_eq!(texts(BTreeMap::new()), ["output x was edited"]);
}

mod same_binary;
