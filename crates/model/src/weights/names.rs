//! The ResNet among a file's tensors: its dictionary, its prefix, and the library of its names.

use std::collections::{BTreeMap, BTreeSet};

use super::entry::{Dict, Entry};

/// Words in names of networks that are preferred where a file holds several. Moving averages come first, as in timm's
/// loader; `encoder_q` and `online` are the trained ones of MoCo and BYOL.
const PREFERRED: [&str; 4] = ["ema", "teacher", "encoder_q", "online"];
/// Words in names of copies, to which others are preferred.
const COPIES: [&str; 3] = ["momentum", "target", "encoder_k"];
/// Number of names that a message lists.
const LISTED: usize = 4;

/// Convention of the names of tensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Naming {
    /// torchvision's and timm's: `layer1.0.conv1.weight`.
    Torchvision,
    /// Numbers of the children of torchvision's ResNet, as `torch.nn.Sequential(*resnet.children())` and fastai have
    /// them: `4.0.conv1.weight`.
    Children,
    /// Those of transformers: `encoder.stages.0.layers.0.layer.0.convolution.weight`.
    Transformers,
}

impl Naming {
    const ALL: [Self; 3] = [Self::Torchvision, Self::Children, Self::Transformers];

    /// The name of a tensor in every such ResNet.
    fn anchor(self) -> &'static str {
        match self {
            Self::Torchvision => "layer1.0.conv1.weight",
            Self::Children => "4.0.conv1.weight",
            Self::Transformers => "encoder.stages.0.layers.0.layer.0.convolution.weight",
        }
    }

    /// torchvision's name of a tensor of the ResNet; none for a tensor of another part.
    fn rename(self, name: &str) -> Option<String> {
        match self {
            Self::Torchvision => is_resnet(name).then(|| name.to_owned()),
            Self::Children => {
                let (child, rest) = name.split_once('.')?;
                let top = match child {
                    "0" => "conv1",
                    "1" => "bn1",
                    "4" => "layer1",
                    "5" => "layer2",
                    "6" => "layer3",
                    "7" => "layer4",
                    _ => return None,
                };
                Some(format!("{top}.{rest}"))
            }
            Self::Transformers => transformers(name),
        }
    }
}

/// Returns `true` if a name is in a module of torchvision's ResNet.
fn is_resnet(name: &str) -> bool {
    let (top, _) = name.split_once('.').unwrap_or((name, ""));
    let in_body = ["conv1", "bn1", "layer1", "layer2", "layer3", "layer4"].contains(&top);
    in_body || name == "fc.weight" || name == "fc.bias"
}

fn transformers(name: &str) -> Option<String> {
    if let Some(rest) = name.strip_prefix("embedder.embedder.") {
        let (part, rest) = rest.split_once('.')?;
        let top = if part == "convolution" {
            "conv1"
        } else {
            "bn1"
        };
        return Some(format!("{top}.{rest}"));
    }
    let rest = name.strip_prefix("encoder.stages.")?;
    let (stage, rest) = rest.split_once(".layers.")?;
    let stage = stage.parse::<usize>().ok()?.checked_add(1)?;
    let (block, rest) = rest.split_once('.')?;
    let (part, rest) = match rest.strip_prefix("shortcut.") {
        Some(rest) => {
            let (part, rest) = rest.split_once('.')?;
            (
                if part == "convolution" {
                    "downsample.0"
                } else {
                    "downsample.1"
                }
                .to_owned(),
                rest,
            )
        }
        None => {
            let (layer, rest) = rest.strip_prefix("layer.")?.split_once('.')?;
            let layer = layer.parse::<usize>().ok()?.checked_add(1)?;
            let (part, rest) = rest.split_once('.')?;
            let kind = if part == "convolution" { "conv" } else { "bn" };
            (format!("{kind}{layer}"), rest)
        }
    };
    Some(format!("layer{stage}.{block}.{part}.{rest}"))
}

/// The tensors of a ResNet by torchvision's names, and the other parts of its dictionary.
#[derive(Debug)]
pub(super) struct ResnetTensors {
    /// Keys that lead to the dictionary.
    pub(super) key_path: String,
    pub(super) prefix: String,
    pub(super) naming: Naming,
    pub(super) class: Option<String>,
    /// The name in the file, and the tensor, by torchvision's name.
    pub(super) tensors: BTreeMap<String, (String, Entry)>,
    /// Parts outside of the ResNet, with the number of their tensors.
    pub(super) ignored: BTreeMap<String, usize>,
}

/// Finds the ResNet.
///
/// # Errors
/// There is none, or there are several and none is preferred; the message has the reason and the cure.
pub(super) fn find(dicts: &[Dict]) -> Result<ResnetTensors, String> {
    let mut all: Vec<ResnetTensors> = dicts.iter().flat_map(found_in).collect();
    for word in PREFERRED {
        let is_preferred = |found: &ResnetTensors| words(found).contains(word);
        if all.len() > 1 && all.iter().any(is_preferred) {
            all.retain(is_preferred);
        }
    }
    let is_copy = |found: &ResnetTensors| COPIES.iter().any(|word| words(found).contains(*word));
    if all.len() > 1 && !all.iter().all(is_copy) {
        all.retain(|found| !is_copy(found));
    }
    let names: Vec<String> = all.iter().map(path).collect();
    match (all.pop(), all.len()) {
        (Some(found), 0) => Ok(found),
        (Some(_), _) => Err(format!(
            "it holds {} ResNets, {}: save the one that is meant by itself",
            names.len(),
            listed(names.iter().map(String::as_str))
        )),
        (None, _) => Err(missing(dicts)),
    }
}

fn path(found: &ResnetTensors) -> String {
    match (found.key_path.as_str(), found.prefix.as_str()) {
        ("", "") => "without a prefix".to_owned(),
        ("", prefix) => format!("`{prefix}`"),
        (key_path, "") => format!("`{key_path}`"),
        (key_path, prefix) => format!("`{key_path}` with the prefix `{prefix}`"),
    }
}

/// The words of a network's key path and prefix.
fn words(found: &ResnetTensors) -> BTreeSet<String> {
    let text = format!("{}.{}", found.key_path, found.prefix).to_ascii_lowercase();
    let names = text.split('.').map(str::to_owned);
    let parts = text.split(['.', '_']).map(str::to_owned);
    names.chain(parts).collect()
}

fn found_in(dict: &Dict) -> Vec<ResnetTensors> {
    let mut all = Vec::new();
    for naming in Naming::ALL {
        for name in dict.tensors.keys() {
            let Some(prefix) = name.strip_suffix(naming.anchor()) else {
                continue;
            };
            let has_stem = dict.tensors.contains_key(&format!("{prefix}0.weight"));
            let is_whole_word = prefix.is_empty() || prefix.ends_with('.');
            if is_whole_word && (naming != Naming::Children || has_stem) {
                all.push(collect(dict, prefix, naming));
            }
        }
    }
    all
}

fn collect(dict: &Dict, prefix: &str, naming: Naming) -> ResnetTensors {
    let mut found = ResnetTensors {
        key_path: dict.key_path.clone(),
        prefix: prefix.to_owned(),
        naming,
        class: dict.class.clone(),
        tensors: BTreeMap::new(),
        ignored: BTreeMap::new(),
    };
    for (name, entry) in &dict.tensors {
        let renamed = match name.strip_prefix(prefix) {
            Some(rest) => naming.rename(rest),
            None => None,
        };
        let renamed = renamed.or_else(|| classifier(name, naming));
        match renamed {
            Some(renamed) => drop(found.tensors.insert(renamed, (name.clone(), entry.clone()))),
            None => *found.ignored.entry(part(name, prefix)).or_default() += 1,
        }
    }
    found
}

/// The classifier, which transformers keeps outside of the ResNet.
fn classifier(name: &str, naming: Naming) -> Option<String> {
    let parameter = name.strip_prefix("classifier.1.")?;
    (naming == Naming::Transformers).then(|| format!("fc.{parameter}"))
}

/// The module of a tensor outside of the ResNet.
fn part(name: &str, prefix: &str) -> String {
    let (shared, rest) = match name.strip_prefix(prefix) {
        Some(rest) => (prefix, rest),
        None => ("", name),
    };
    format!("{shared}{}", rest.split('.').next().unwrap_or(rest))
}

/// The reason why no ResNet was found.
fn missing(dicts: &[Dict]) -> String {
    let Some(largest) = dicts.iter().max_by_key(|dict| dict.tensors.len()) else {
        return "it holds no tensors by name: save a state dict by \
                `torch.save(model.state_dict(), \"weights.pth\")`"
            .to_owned();
    };
    let has = |part: &str| largest.tensors.keys().any(|name| name.contains(part));
    let known = [
        (
            has("patch_embed.") || has("cls_token"),
            "a vision transformer",
        ),
        (has("encoder.layer.") && has("attention"), "a transformer"),
        (
            has("conv_stem.") || has("conv_pw."),
            "an EfficientNet or a MobileNet",
        ),
        (has("gamma") && has("conv_dw."), "a ConvNeXt"),
        (has("denseblock1."), "a DenseNet"),
        (
            has("stem.conv.weight") && has("stages."),
            "timm's ResNetV2 or RegNet",
        ),
        (has("block1.unit"), "a BiT ResNet"),
        (has("res2."), "Detectron's ResNet"),
        (
            has("features.0."),
            "a VGG, an AlexNet or another network with `features`",
        ),
    ];
    let names = listed(largest.tensors.keys().map(String::as_str));
    match known.into_iter().find(|(fits, _)| *fits) {
        Some((_, whose)) => format!(
            "its tensors have the names of {whose} ({names}), and `model` takes a ResNet's alone: take ResNet weights, for \
             instance by `cargo xtask weights get resnet18`, or study another frozen network by \
             `backbone-features.backbones`"
        ),
        None => format!(
            "none of its tensors has the name of a ResNet's, such as `layer1.0.conv1.weight`; it has {names}: rename \
             them as torchvision does, or take other weights, for instance by `cargo xtask weights get resnet18`"
        ),
    }
}

/// The first names, and the number of the others.
pub(super) fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = names
        .map(|name| {
            if name.contains('`') {
                name.to_owned()
            } else {
                format!("`{name}`")
            }
        })
        .collect();
    let shown = names[..names.len().min(LISTED)].join(", ");
    match names.len().saturating_sub(LISTED) {
        0 => shown,
        n_more => format!("{shown} and {n_more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dict(key_path: &str, names: &[&str]) -> Dict {
        let tensors = names
            .iter()
            .map(|name| ((*name).to_owned(), Entry::unsupported("none")));
        Dict {
            key_path: key_path.to_owned(),
            class: None,
            tensors: tensors.collect(),
        }
    }

    #[test]
    fn names_of_transformers_become_those_of_torchvision() {
        let renamed = |name| Naming::Transformers.rename(name);
        for (name, expected) in [
            ("embedder.embedder.convolution.weight", "conv1.weight"),
            (
                "embedder.embedder.normalization.running_var",
                "bn1.running_var",
            ),
            (
                "encoder.stages.0.layers.1.layer.0.convolution.weight",
                "layer1.1.conv1.weight",
            ),
            (
                "encoder.stages.3.layers.2.layer.2.normalization.bias",
                "layer4.2.bn3.bias",
            ),
            (
                "encoder.stages.1.layers.0.shortcut.convolution.weight",
                "layer2.0.downsample.0.weight",
            ),
            (
                "encoder.stages.1.layers.0.shortcut.normalization.weight",
                "layer2.0.downsample.1.weight",
            ),
        ] {
            assert_eq!(renamed(name).as_deref(), Some(expected));
        }
        assert_eq!(renamed("pooler.weight"), None);
    }

    #[test]
    fn any_prefix_is_found_and_other_parts_are_counted() {
        let found = find(&[dict(
            "learner",
            &[
                "net.trunk.conv1.weight",
                "net.trunk.layer1.0.conv1.weight",
                "net.head.0.weight",
                "net.head.0.bias",
                "net.trunk.fc.1.weight",
            ],
        )]);
        let found = found.unwrap();
        assert_eq!(
            (found.key_path.as_str(), found.prefix.as_str()),
            ("learner", "net.trunk.")
        );
        let names: Vec<&String> = found.tensors.keys().collect();
        assert_eq!(names, ["conv1.weight", "layer1.0.conv1.weight"]);
        let ignored: Vec<_> = found
            .ignored
            .iter()
            .map(|(part, n)| (part.as_str(), *n))
            .collect();
        assert_eq!(ignored, [("net", 2), ("net.trunk.fc", 1)]);
    }

    #[test]
    fn moving_averages_are_preferred_and_equals_are_refused() {
        let anchor = "layer1.0.conv1.weight";
        let found = find(&[
            dict("state_dict", &[anchor]),
            dict("state_dict_ema", &[anchor]),
        ]);
        assert_eq!(found.unwrap().key_path, "state_dict_ema");
        let momentum = [
            "encoder_q.layer1.0.conv1.weight",
            "encoder_k.layer1.0.conv1.weight",
        ];
        assert_eq!(find(&[dict("", &momentum)]).unwrap().prefix, "encoder_q.");
        let copy = [
            "net.layer1.0.conv1.weight",
            "momentum_net.layer1.0.conv1.weight",
        ];
        assert_eq!(find(&[dict("", &copy)]).unwrap().prefix, "net.");
        // `schema` has the letters of `ema`, and is another word.
        let equals = ["left.layer1.0.conv1.weight", "schema.layer1.0.conv1.weight"];
        let reason = find(&[dict("", &equals)]).unwrap_err();
        assert_eq!(
            reason,
            "it holds 2 ResNets, `left.`, `schema.`: save the one that is meant by itself"
        );
    }

    #[test]
    fn other_networks_are_named() {
        let reason = find(&[dict("", &["cls_token", "patch_embed.proj.weight"])]).unwrap_err();
        assert!(
            reason.starts_with("its tensors have the names of a vision transformer (`cls_token`, "),
            "{reason}"
        );
        let reason = find(&[dict("", &["a", "b", "c", "d", "e", "f"])]).unwrap_err();
        assert!(
            reason.contains("it has `a`, `b`, `c`, `d` and 2 more:"),
            "{reason}"
        );
        assert!(
            find(&[])
                .unwrap_err()
                .starts_with("it holds no tensors by name")
        );
    }
}
