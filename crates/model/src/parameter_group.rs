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
