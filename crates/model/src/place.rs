//! Where a parameter stands in the network.

/// The part of a network that a parameter belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The ResNet, its classifier included.
    Backbone,
    /// From the ResNet's classes to the embedding.
    Embedder,
    /// From the embedding to the logits.
    Head,
}

impl Place {
    /// The place of a parameter by its name in [`Network::parameters`](crate::Network::parameters).
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
    fn the_first_part_of_a_name_tells_the_place() {
        assert_eq!(Place::of("layer1.0.conv1.weight"), Place::Backbone);
        assert_eq!(Place::of("fc.bias"), Place::Backbone);
        assert_eq!(Place::of("embed.weight"), Place::Embedder);
        assert_eq!(Place::of("head.weight"), Place::Head);
    }
}
