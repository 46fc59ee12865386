//! Groups of parameters.

/// The part of a network that a parameter belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterGroup {
    /// The ResNet, with its classifier where that is kept.
    Backbone,
    /// The layer from the ResNet's classes or features to the embedding.
    Embedder,
    /// The layer from the embedding to the logits.
    Head,
}

impl ParameterGroup {
    /// The group of a parameter, by its name in [`Network::parameters`](crate::Network::parameters).
    #[must_use]
    pub fn of(name: &str) -> Self {
        match name.split('.').next() {
            Some("embed") => Self::Embedder,
            Some("head") => Self::Head,
            _ => Self::Backbone,
        }
    }
}

/// Number of layers behind that of a parameter, by its name: 0 for embedder and head, 1 for the ResNet's `classifier`, 2 to
/// 5 for `layer4` to `layer1`, 6 for the stem; of a network without the classifier, one less from `layer4` on.
///
/// It is the depth from the end of timm's layer-wise decay of learning rates, with a group for each of the four stages of
/// blocks (timm's `group_matcher(coarse=True)`), and the classifier, behind which embedder and head are, as one more.
#[must_use]
pub fn layers_behind(name: &str, classifier: bool) -> i32 {
    let blocks = match name.split('.').next() {
        Some("embed" | "head") => return 0,
        Some("fc") => return 1,
        Some("layer4") => 1,
        Some("layer3") => 2,
        Some("layer2") => 3,
        Some("layer1") => 4,
        _ => 5,
    };
    blocks + i32::from(classifier)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_counted_with_the_classifier_and_without() {
        let names = [
            "head.bias",
            "embed.bias",
            "layer4.0.bn1.bias",
            "layer1.0.bn1.bias",
            "bn1.bias",
        ];
        assert_eq!(names.map(|name| layers_behind(name, true)), [0, 0, 2, 5, 6]);
        assert_eq!(
            names.map(|name| layers_behind(name, false)),
            [0, 0, 1, 4, 5]
        );
        assert_eq!(layers_behind("fc.bias", true), 1);
    }

    #[test]
    fn the_first_part_of_a_name_has_the_group() {
        assert_eq!(
            ParameterGroup::of("layer1.0.conv1.weight"),
            ParameterGroup::Backbone
        );
        assert_eq!(ParameterGroup::of("fc.bias"), ParameterGroup::Backbone);
        assert_eq!(ParameterGroup::of("embed.weight"), ParameterGroup::Embedder);
        assert_eq!(ParameterGroup::of("head.weight"), ParameterGroup::Head);
    }
}
