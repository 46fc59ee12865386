//! Perceptual hashes against imagehash's.

use std::collections::BTreeMap;
use std::path::Path;

use dataset::{Limits, Resizer, decode, perceptual_hash};

/// Decoders and resizers round differently.
const TOLERANCE_BITS: u32 = 2;

const LIMITS: Limits = Limits {
    pixels: 10_000_000,
    aspect: 20,
};

#[test]
fn hashes_are_imagehash_s() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let text = fs_err::read_to_string(golden.join("phash.json")).unwrap();
    let expected: BTreeMap<String, String> = serde_json::from_str(&text).unwrap();
    assert_eq!(expected.len(), 4);
    for (name, expected) in expected {
        let bytes = fs_err::read(golden.join(&name)).unwrap();
        let (picture, _) = decode(&bytes, LIMITS).unwrap();
        let found = perceptual_hash(&picture, &mut Resizer::default()).unwrap();
        let expected = u64::from_str_radix(&expected, 16).unwrap();
        let apart = (found ^ expected).count_ones();
        assert!(
            apart <= TOLERANCE_BITS,
            "{name}: {found:016x}, expected {expected:016x}, {apart} bits apart"
        );
    }
}
