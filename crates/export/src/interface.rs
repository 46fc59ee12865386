//! Interface of the ONNX file.

/// Version of the file format; 8 came with operators of version 15 and is supported wherever 17 is.
pub(crate) const IR_VERSION: i64 = 8;
/// Version of the operators.
pub(crate) const OPSET: i64 = 17;
/// Name of the input.
pub(crate) const IMAGES: &str = "images";
/// Name of the first output.
pub(crate) const LOGITS: &str = "logits";
/// Name of the second output.
pub(crate) const EMBEDDING: &str = "embedding";
