//! Pictures: painted, scanned, decoded, resized, augmented.
