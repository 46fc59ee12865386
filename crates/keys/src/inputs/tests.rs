use expect_test::expect;

use workflow::graph::Graph;

use super::*;

/// A stage without inputs, whose outputs are named by their paths.
fn stage(name: &str, outputs: &[(&str, Treatment)]) -> Instance {
    let outputs = outputs.iter().map(|(path, treatment)| {
        let output = Output {
            path: path.into(),
            treatment: *treatment,
        };
        ((*path).to_owned(), output)
    });
    Instance {
        name: name.into(),
        stage: name.into(),
        desc: None,
        action: Action::Command(vec![format!("make {name}")]),
        params: BTreeMap::new(),
        param_keys: BTreeMap::new(),
        inputs: BTreeMap::new(),
        outputs: outputs.collect(),
        show: None,
        is_source: false,
        device: None,
        env: Vec::new(),
        after: Vec::new(),
        rules: Default::default(),
    }
}

fn volatile() -> Treatment {
    Treatment {
        is_volatile: true,
        ..Treatment::default()
    }
}

fn content(path: &str, digest: Option<&str>) -> Content {
    Content {
        path: path.into(),
        digest: digest.map(|text| Digest::of_bytes(text.as_bytes())),
        seen: None,
    }
}

fn inputs(states: impl IntoIterator<Item = (&'static str, InputState)>) -> Inputs {
    let states = states.into_iter();
    Inputs {
        states: { states }
            .map(|(name, state)| (name.to_owned(), state))
            .collect(),
        ..Inputs::default()
    }
}

#[test]
fn a_manifest_has_a_line_for_each_dependency() {
    let continued = Treatment {
        is_kept: true,
        ..Treatment::default()
    };
    let outputs = [
        ("kept", Treatment::default()),
        ("log", volatile()),
        ("state", continued),
    ];
    let mut instance = stage("a", &outputs);
    instance.params = BTreeMap::from([
        ("lr".to_owned(), 0.1.into()),
        ("adam".to_owned(), serde_json::json!({"b1": 0.9})),
    ]);
    let mut inputs = inputs([
        ("absent", InputState::Found(Found::Absent)),
        ("log", InputState::Found(Found::One(content("log", None)))),
        (
            "many",
            InputState::Found(Found::Many(vec![
                content("b", Some("b")),
                content("a", Some("a")),
            ])),
        ),
        (
            "one",
            InputState::Found(Found::One(content("x", Some("x")))),
        ),
    ]);
    inputs.environment = BTreeMap::from([
        ("SET".to_owned(), Some(OsString::from("a \"b\""))),
        ("UNSET".to_owned(), None),
    ]);
    inputs.code.add(Section::Code, "a.rs", "0");
    let Resolved::Known(derivation) = resolve(&instance, inputs) else {
        panic!("all inputs are there");
    };
    expect![[r#"
        code a.rs = 0
        command cmd = "make a"
        env SET = "a \"b\""
        env UNSET = unset
        input absent = none
        input log = volatile
        input many.0000 = 10e5cf3d3c8a4f9f3468c8cc58eea84892a22fdadbc1acb22410190044c1d553
        input many.0001 = 17762fddd969a453925d65717ac3eea21320b66b54342fde15128d6caf21215f
        input one = 3ae7d805f6789a6402acb70ad4096a85a56bf6804eaf25c0493ac697548d30b5
        output kept = kept
        output log = volatile
        output state = continued
        param adam.b1 = 0.9
        param lr = 0.1
    "#]]
    .assert_eq(&derivation.manifest.to_string());
    assert_eq!(derivation.key, derivation.manifest.key());
}

#[test]
fn texts_of_a_command_are_one_line() {
    let text = |texts: &[&str]| {
        let mut instance = stage("a", &[]);
        instance.action = Action::Command(texts.iter().map(|text| (*text).to_owned()).collect());
        resolve(&instance, Inputs::default()).to_string()
    };
    assert_eq!(text(&["a\nb"]), "command cmd = \"a\\nb\"\n");
    assert_eq!(text(&["a", "b"]), "command cmd = [\"a\",\"b\"]\n");
    let mut instance = stage("a", &[]);
    instance.action = Action::Run("crate/bin".to_owned());
    let resolved = resolve(&instance, Inputs::default());
    assert_eq!(resolved.to_string(), "command run = crate/bin\n");
}

#[test]
fn a_missing_input_precedes_pending_ones_and_the_last_is_reported() {
    let graph = Graph::new(vec![stage("x", &[]), stage("y", &[])]).unwrap();
    let pending = || InputState::Pending(graph.order[1]);
    let missing = |path: &str| InputState::Missing(path.into());
    let found = || InputState::Found(Found::Absent);
    match resolve(&stage("a", &[]), inputs([("a", found()), ("b", pending())])) {
        Resolved::Pending(partial) => {
            assert_eq!(partial.on(), BTreeSet::from([graph.order[1]]));
            expect![[r#"
                command cmd = "make a"
                input a = none
                input b = to be made
            "#]]
            .assert_eq(&partial.to_string());
        }
        other => panic!("{other:?}"),
    }
    let states = [("a", missing("1")), ("b", pending()), ("c", missing("2"))];
    match resolve(&stage("a", &[]), inputs(states)) {
        Resolved::Missing { path, partial } => {
            assert_eq!(path, PathBuf::from("2"));
            expect![[r#"
                command cmd = "make a"
                input b = to be made
            "#]]
            .assert_eq(&partial.to_string());
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_lock_has_digests_of_inputs_and_of_outputs_that_are_not_volatile() {
    let instance = stage("a", &[("x", Treatment::default()), ("log", volatile())]);
    let states = [
        ("absent", InputState::Found(Found::Absent)),
        (
            "many",
            InputState::Found(Found::Many(vec![
                content("b", Some("b")),
                content("a", Some("a")),
            ])),
        ),
        ("log", InputState::Found(Found::One(content("log", None)))),
    ];
    let Resolved::Known(derivation) = resolve(&instance, inputs(states)) else {
        panic!("all inputs are there");
    };
    let digest = |text: &str| Digest::of_bytes(text.as_bytes());
    let outputs = ["x", "log", "unknown"].map(|name| (name.to_owned(), digest(name)));
    let locked = derivation.locked(&instance, &BTreeMap::from(outputs));
    assert_eq!(locked.key, derivation.key);
    let many = vec![digest("b"), digest("a")];
    assert_eq!(locked.inputs, BTreeMap::from([("many".to_owned(), many)]));
    assert_eq!(
        locked.outputs,
        BTreeMap::from([("x".to_owned(), digest("x"))])
    );
}
