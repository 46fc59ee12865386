use expect_test::expect;
use serde_json::json;

use super::*;
use crate::manifest::Entry;

/// One reason of each kind.
fn all() -> Vec<Reason> {
    let name = || "x".to_owned();
    let entry = || Entry::from("param lr".to_owned());
    let [old, new] = ["0.1", "0.2"].map(str::to_owned);
    vec![
        Reason::NoResult,
        Reason::Forced,
        Reason::AlwaysRuns,
        Reason::Changed(Difference::Added {
            entry: entry(),
            new: new.clone(),
        }),
        Reason::Changed(Difference::Removed {
            entry: entry(),
            old: old.clone(),
        }),
        Reason::Changed(Difference::Changed {
            entry: entry(),
            old,
            new,
        }),
        Reason::Changed(Difference::Pending { entry: entry() }),
        Reason::More { count: 3 },
        Reason::NoRecordOfLast,
        Reason::OutputMissing { output: name() },
        Reason::OutputEdited { output: name() },
        Reason::OutputUnchecked { output: name() },
        Reason::NotCached,
        Reason::ComesFirst { stage: name() },
        Reason::InputMissing { path: "a/b".into() },
        Reason::FrozenMissing { path: "a/b".into() },
        Reason::InputChanged { input: name() },
        Reason::MadeByRunAlone { output: name() },
        Reason::OutputNotCached { output: name() },
        Reason::Committed,
        Reason::Adopted {
            key: Digest::of_bytes(b""),
        },
        Reason::SameBinary {
            key: Digest::of_bytes(b""),
        },
        Reason::Failed { stage: name() },
        Reason::Skipped { stage: name() },
        Reason::NotWanted,
        Reason::Noted { text: name() },
    ]
}

#[test]
fn each_kind_has_its_words() {
    let words: String = all().iter().map(|reason| format!("{reason}\n")).collect();
    expect![[r#"
        no result in `pipeline.lock`
        forced
        always runs
        param lr 0.2 added
        param lr removed
        param lr 0.1 → 0.2
        param lr added
        3 more
        something changed since (the cache has no record of the last run)
        output x is missing
        output x was edited
        output x to be checked
        the cache does not have it
        `x` comes first
        `a/b` does not exist
        it is frozen, and `a/b` is neither there nor in the cache
        input x changed
        output x is made by a run alone
        the cache does not have output x
        committed as it stood there
        adopted from af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262
        rebuilt to the same binary as af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262's
        `x` failed
        `x` was skipped
        not wanted
        x
    "#]]
    .assert_eq(&words);
}

#[test]
fn as_json_a_reason_has_kind_fields_and_text() {
    let lines = all().into_iter().map(|reason| {
        let line = serde_json::to_string(&reason).unwrap();
        assert_eq!(serde_json::from_str::<Reason>(&line).unwrap(), reason);
        line + "\n"
    });
    expect![[r#"
        {"kind":"no-result","text":"no result in `pipeline.lock`"}
        {"kind":"forced","text":"forced"}
        {"kind":"always-runs","text":"always runs"}
        {"kind":"changed","entry":"param lr","old":null,"new":"0.2","text":"param lr 0.2 added"}
        {"kind":"changed","entry":"param lr","old":"0.1","new":null,"text":"param lr removed"}
        {"kind":"changed","entry":"param lr","old":"0.1","new":"0.2","text":"param lr 0.1 → 0.2"}
        {"kind":"changed","entry":"param lr","old":null,"new":null,"text":"param lr added"}
        {"kind":"more","count":3,"text":"3 more"}
        {"kind":"no-record-of-last","text":"something changed since (the cache has no record of the last run)"}
        {"kind":"output-missing","output":"x","text":"output x is missing"}
        {"kind":"output-edited","output":"x","text":"output x was edited"}
        {"kind":"output-unchecked","output":"x","text":"output x to be checked"}
        {"kind":"not-cached","text":"the cache does not have it"}
        {"kind":"comes-first","stage":"x","text":"`x` comes first"}
        {"kind":"input-missing","path":"a/b","text":"`a/b` does not exist"}
        {"kind":"frozen-missing","path":"a/b","text":"it is frozen, and `a/b` is neither there nor in the cache"}
        {"kind":"input-changed","input":"x","text":"input x changed"}
        {"kind":"made-by-run-alone","output":"x","text":"output x is made by a run alone"}
        {"kind":"output-not-cached","output":"x","text":"the cache does not have output x"}
        {"kind":"committed","text":"committed as it stood there"}
        {"kind":"adopted","key":"af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262","text":"adopted from af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"}
        {"kind":"same-binary","key":"af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262","text":"rebuilt to the same binary as af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262's"}
        {"kind":"failed","stage":"x","text":"`x` failed"}
        {"kind":"skipped","stage":"x","text":"`x` was skipped"}
        {"kind":"not-wanted","text":"not wanted"}
        {"kind":"noted","text":"x"}
    "#]].assert_eq(&lines.collect::<String>());
}

#[test]
fn words_of_other_versions_are_kept() {
    let noted = Reason::Noted {
        text: "forced".to_owned(),
    };
    for written in [
        json!("forced"),
        json!({ "kind": "later", "field": 1, "text": "forced" }),
        json!({ "kind": "more", "count": "many", "text": "forced" }),
    ] {
        assert_eq!(serde_json::from_value::<Reason>(written).unwrap(), noted);
    }
    assert!(serde_json::from_value::<Reason>(json!({ "kind": "later" })).is_err());
}

#[test]
fn several_are_separated_by_commas() {
    assert_eq!(listed(&[]), "");
    assert_eq!(
        listed(&[Reason::Forced, Reason::More { count: 2 }]),
        "forced, 2 more"
    );
}
