//! The name of content.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Number of characters of an invalid digest that a message repeats.
const MESSAGE: usize = 80;

/// A BLAKE3 hash of 32 bytes, written as 64 lowercase hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The hash of `bytes`; that of a file with this content, too.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Self {
        blake3::hash(bytes).into()
    }

    /// The digest with these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<blake3::Hash> for Digest {
    fn from(hash: blake3::Hash) -> Self {
        Self(hash.into())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(blake3::Hash::from(self.0).to_hex().as_str())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

/// A text that is no digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot read the digest `{text}`: expected 64 lowercase hexadecimal digits")]
pub struct InvalidDigest {
    /// Text as found, cut after 80 characters.
    pub text: String,
}

impl FromStr for Digest {
    type Err = InvalidDigest;

    /// Reads 64 lowercase hexadecimal digits, so that equal digests have equal texts.
    fn from_str(text: &str) -> Result<Self, InvalidDigest> {
        // An invalid digest may be of any length.
        let invalid = || InvalidDigest {
            text: text.chars().take(MESSAGE).collect(),
        };
        let mut bytes = [0; 32];
        for (part, number) in bytes.chunks_exact_mut(8).zip(0..) {
            let digits = text.get(16 * number..16 * (number + 1));
            let word = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
            part.copy_from_slice(&word.ok_or_else(invalid)?.to_be_bytes());
        }
        // Signs, capitals and further characters are no part of a digest.
        if blake3::Hash::from(bytes).to_hex().as_str() == text {
            Ok(Self(bytes))
        } else {
            Err(invalid())
        }
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // BLAKE3's published vector for the empty input.
    const EMPTY: &str = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";

    #[test]
    fn text_and_back() {
        let digest = Digest::of_bytes(b"");
        assert_eq!(digest.to_string(), EMPTY);
        assert_eq!(EMPTY.parse::<Digest>().unwrap(), digest);
        let json = serde_json::to_string(&digest).unwrap();
        assert_eq!(json, format!("\"{EMPTY}\""));
        assert_eq!(serde_json::from_str::<Digest>(&json).unwrap(), digest);
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "af13",
            &EMPTY.to_uppercase(),
            &EMPTY.replace('a', "g"),
            &format!("{EMPTY}0"),
            &EMPTY.replacen("af", "+f", 1),
        ] {
            let error = text.parse::<Digest>().unwrap_err();
            assert!(error.to_string().contains(text), "{error}");
        }
        let error = "x".repeat(1 << 20).parse::<Digest>().unwrap_err();
        assert!(error.to_string().len() < 200, "{error}");
    }
}
