//! Groups of parameters.

/// The part of a network that a parameter belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterGroup {
    /// The ResNet, its classifier included.
    Backbone,
    /// The layer from the ResNet's classes to the embedding.
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

/// Number of layers behind that of a parameter, by its name: 0 for embedder and head, 1 for the ResNet's classifier `fc`,
/// 2 to 5 for `layer4` to `layer1`, 6 for the stem.
///
/// It is the depth from the end of timm's layer-wise decay of learning rates, with a group for each of the four stages of
/// blocks (timm's `group_matcher(coarse=True)`), and the classifier, behind which embedder and head are, as one more.
#[must_use]
pub fn layers_behind(name: &str) -> i32 {
    match name.split('.').next() {
        Some("embed" | "head") => 0,
        Some("fc") => 1,
        Some("layer4") => 2,
        Some("layer3") => 3,
        Some("layer2") => 4,
        Some("layer1") => 5,
        _ => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
