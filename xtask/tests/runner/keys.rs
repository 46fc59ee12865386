//! Keys outlive versions of the runner: a new version computes no result again.

use serde_json::Value;

use crate::space::Space;

/// All keys of a stage's declaration in the first version.
const OLD: &str = r#"
[stage.whole]
desc = "all that a stage could say before"
cmd = "cat ${in.src} > ${out.x}; ls ${in.many} > ${out.y}; date > ${out.t}"
params = ["chain", "seed"]
in = { src = "src.txt", many = "data/*.csv", none = "" }
out = { x = "x.txt", y = "y/y.txt", t = { path = "t.txt", volatile = true } }
show = "x"

[stage.each]
cmd = "echo ${fold} ${k} > ${out.z}"
each = { fold = 2, k = ["a", "b"] }
in = { x = "x.txt", t = "t.txt" }
out = { z = "z/${fold}${k}.txt" }
"#;

/// The manifest of `whole`, as the first version wrote it.
const WHOLE: &str = r#"command cmd = "cat ${in.src} > ${out.x}; ls ${in.many} > ${out.y}; date > ${out.t}"
input many.0000 = 81c4b7f7e0549f1514e9cae97cf40cf133920418d3dc71bedbf60ec9bd6148cb
input many.0001 = 9d902f9864f3043dca97e40698eee07a2fe6771591c687ed129cde8f6fcc4a79
input none = none
input src = b9e83d17580c3f3222396b41ee1b736569125ad13023ba84efea6ebf756543d6
output t = volatile
output x = kept
output y = kept
param chain.deep.a = [1,2]
param chain.deep.b = true
param chain.letter = "x"
param chain.rate = 0.5
param seed = 7
"#;

const KEYS: [&str; 5] = [
    "a40704af07131b212bf5fc3b8dede66cf3f0a3216d849f5d2d12252865ee676a",
    "e1d4ad1c698e6aa728ba326bcaff03a26394d2edddbd2d89302037cc8c12b830",
    "afb01d1fbdecfec654b33c7f54a761ced2a662034c7233a044980af46077e3ea",
    "dd1a2fc2e7b9a9c586998de5004c1189048c93cc58207f2b6c605171c573d7eb",
    "8b5607e98535df5237cbef66bb1320a034edfeb06117ed255b4dc1eeb4160a51",
];

#[test]
fn a_stage_without_newer_keys_of_the_declaration_keeps_its_key() {
    let space = Space::new(OLD);
    space.write(
        "params.toml",
        "seed = 7\n[chain]\nletter = \"x\"\nrate = 0.5\ndeep = { a = [1, 2], b = true }\n",
    );
    space.write("data/b.csv", "b\n");
    space.write("data/a.csv", "a\n");
    space.ok(&["repro"]);
    let lock = space.read("pipeline.lock");
    let keys = { lock.lines() }.filter_map(|line| line.strip_prefix("key = "));
    let keys: Vec<&str> = keys.map(|key| key.trim_matches('"')).collect();
    assert_eq!(keys, KEYS);
    let (folder, name) = KEYS[4].split_at(2);
    let record = space.read(&format!(".atelier/cache/records/{folder}/{name}"));
    let record: Value = serde_json::from_str(&record).unwrap();
    assert_eq!(record["manifest"], WHOLE);
}
