//! ResNet, embedder and head, pretrained weights.
