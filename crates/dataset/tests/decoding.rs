//! Decoding of odd, damaged and hostile files.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

use dataset::{DatasetError, Format, Limits, Rgb, decode};

const LIMITS: Limits = Limits {
    pixels: 1 << 20,
    aspect: 10,
};

fn read(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");
    fs_err::read(format!("{folder}/{name}")).unwrap()
}

fn decoded(name: &str) -> Rgb {
    let (picture, _) =
        decode(&read(name), LIMITS).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!((picture.width, picture.height), (37, 29), "{name}");
    picture
}

fn mean_difference(a: &Rgb, b: &Rgb) -> f64 {
    let sum: u64 = a
        .pixels
        .iter()
        .zip(&b.pixels)
        .map(|(a, b)| u64::from(a.abs_diff(*b)))
        .sum();
    sum as f64 / a.pixels.len() as f64
}

#[test]
fn all_kinds_show_the_same_picture() {
    let plain = decoded("odd-rgb.png");
    assert_eq!(plain, decoded("odd-lossless.webp"));
    for (name, off) in [
        ("odd-baseline.jpg", 12.0),
        ("odd-progressive.jpg", 12.0),
        ("odd-restart.jpg", 12.0),
        ("odd-palette.png", 12.0),
        ("odd-lossy.webp", 14.0),
        ("odd-cmyk.jpg", 14.0),
    ] {
        let difference = mean_difference(&plain, &decoded(name));
        assert!(difference < off, "{name} is off by {difference}");
    }
}

#[test]
fn gray_and_sixteen_bits_become_rgb() {
    let gray = decoded("odd-gray.png");
    assert!(gray.pixels.chunks(3).all(|p| p[0] == p[1] && p[1] == p[2]));
    assert_eq!(gray, decoded("odd-gray16.png"));
    assert!(mean_difference(&gray, &decoded("odd-gray.jpg")) < 4.0);
}

#[test]
fn transparency_lies_on_white() {
    let difference = mean_difference(&decoded("odd-alpha.png"), &decoded("plain-alpha.png"));
    assert!(difference < 0.6, "off by {difference}");
}

#[test]
fn every_cut_is_noticed() {
    for name in [
        "odd-baseline.jpg",
        "odd-progressive.jpg",
        "odd-restart.jpg",
        "odd-gray.jpg",
        "odd-rgb.png",
        "odd-lossless.webp",
        "odd-lossy.webp",
    ] {
        let bytes = read(name);
        // From the first byte that still tells the format.
        for end in 16..bytes.len() {
            let error = decode(&bytes[..end], LIMITS).expect_err(name);
            assert_eq!(error.kind(), "truncated", "{name} cut at {end}: {error}");
        }
    }
}

#[test]
fn what_follows_the_end_does_not_matter() {
    for name in ["odd-baseline.jpg", "odd-rgb.png", "odd-lossy.webp"] {
        let mut bytes = read(name);
        bytes.extend_from_slice(b"a camera's notes");
        decode(&bytes, LIMITS).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
fn no_damage_panics() {
    for name in [
        "odd-baseline.jpg",
        "odd-progressive.jpg",
        "odd-restart.jpg",
        "odd-cmyk.jpg",
        "odd-palette.png",
        "odd-lossless.webp",
        "odd-lossy.webp",
    ] {
        let bytes = read(name);
        for position in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[position] ^= 0x55;
            // Damage may go unseen; it must not stop the program.
            if let Ok((picture, _)) = decode(&damaged, LIMITS) {
                assert!(u64::from(picture.width) * u64::from(picture.height) <= LIMITS.pixels);
            }
        }
    }
}

#[test]
fn other_files_are_named() {
    let message = |bytes: &[u8]| {
        let error = decode(bytes, LIMITS).unwrap_err();
        (error.kind(), error.to_string())
    };
    assert_eq!(message(b""), ("empty", "the file is empty".to_owned()));
    assert_eq!(
        message(b"only words"),
        (
            "not-an-image",
            "not a picture: expected the first bytes of a JPEG, PNG or WebP".to_owned()
        )
    );
    assert_eq!(
        message(&read("other.gif")),
        (
            "unsupported-format",
            "cannot read image/gif: expected JPEG, PNG or WebP".to_owned()
        )
    );
}

#[test]
fn size_is_checked_before_pixels_are_made() {
    let tight = Limits {
        pixels: 37 * 29 - 1,
        aspect: 10,
    };
    for name in ["odd-baseline.jpg", "odd-rgb.png", "odd-lossy.webp"] {
        let error = decode(&read(name), tight).unwrap_err();
        assert_eq!(
            error.to_string(),
            "37×29 are 1073 pixels, more than the limit of 1072"
        );
    }
    // A header of 65,535 × 65,535 in a small file.
    let mut bomb = read("odd-baseline.jpg");
    let frame = bomb
        .windows(2)
        .position(|pair| pair == [0xff, 0xc0])
        .unwrap();
    bomb[frame + 5..frame + 9].fill(0xff);
    assert_eq!(decode(&bomb, LIMITS).unwrap_err().kind(), "too-large");
    let narrow = Limits {
        pixels: 1 << 20,
        aspect: 1,
    };
    assert!(matches!(
        decode(&read("odd-rgb.png"), narrow),
        Err(DatasetError::TooElongated { limit: 1, .. })
    ));
}

#[test]
fn the_format_is_told_by_content() {
    for (name, format) in [
        ("odd-gray.jpg", Format::Jpeg),
        ("odd-gray.png", Format::Png),
        ("odd-lossy.webp", Format::WebP),
    ] {
        assert_eq!(decode(&read(name), LIMITS).unwrap().1, format);
    }
}
