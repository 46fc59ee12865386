//! Decoding of odd, damaged and hostile files.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

use images::{Format, ImageError, Limits, Orient, Rgb};

const LIMITS: Limits = Limits {
    pixels: 1 << 20,
    aspect: 10,
};

fn read(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");
    fs_err::read(format!("{folder}/{name}")).unwrap()
}

fn decode(bytes: &[u8], limits: Limits) -> Result<(Rgb, Format), ImageError> {
    let decoded = images::decode(bytes, limits, Orient::Upright)?;
    Ok((decoded.rgb, decoded.format))
}

fn decoded(name: &str) -> Rgb {
    let (image, _) = decode(&read(name), LIMITS).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!((image.width, image.height), (37, 29), "{name}");
    image
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
fn all_kinds_show_the_same_image() {
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
        // From the shortest front by which the format is recognized.
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
            if let Ok((image, _)) = decode(&damaged, LIMITS) {
                assert!(u64::from(image.width) * u64::from(image.height) <= LIMITS.pixels);
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
            "not an image: expected JPEG, PNG, WebP, GIF, BMP or TIFF".to_owned()
        )
    );
    // A frame header of 12 bits, and one of arithmetic coding.
    let mut deep = read("odd-baseline.jpg");
    let frame = deep
        .windows(2)
        .position(|pair| pair == [0xff, 0xc0])
        .unwrap();
    deep[frame + 4] = 12;
    assert_eq!(
        message(&deep),
        (
            "unsupported-format",
            "a JPEG of 12 bits a color is not supported: save it as a baseline or progressive JPEG, or as PNG".to_owned()
        )
    );
    // A first scan of one color.
    let mut single = read("odd-baseline.jpg");
    let is_scan = |pair: &[u8]| pair == [0xff, 0xda];
    let scan = single.windows(2).position(is_scan).unwrap();
    single[scan + 4] = 1;
    assert!(
        message(&single)
            .1
            .starts_with("a JPEG with a scan for each color is not supported")
    );
    let mut arithmetic = read("odd-baseline.jpg");
    arithmetic[frame + 1] = 0xc9;
    let (kind, text) = message(&arithmetic);
    assert_eq!(kind, "unsupported-format");
    assert!(
        text.starts_with("a JPEG with arithmetic coding is not supported"),
        "{text}"
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
        Err(ImageError::TooElongated { limit: 1, .. })
    ));
}

#[test]
fn the_format_is_recognized_by_content() {
    for (name, format) in [
        ("odd-gray.jpg", Format::Jpeg),
        ("odd-gray.png", Format::Png),
        ("odd-lossy.webp", Format::WebP),
    ] {
        assert_eq!(decode(&read(name), LIMITS).unwrap().1, format);
    }
}

/// The bytes of an image of 6 columns and 4 rows whose upper left pixel is red, in `format`.
fn encoded(format: image::ImageFormat) -> Vec<u8> {
    let mut image = image::RgbImage::from_pixel(6, 4, image::Rgb([10, 20, 200]));
    image.put_pixel(0, 0, image::Rgb([255, 0, 0]));
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// An EXIF block with the orientation alone.
fn exif(orientation: u8) -> Vec<u8> {
    let mut bytes = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    bytes.extend([orientation, 0, 0, 0, 0, 0, 0]);
    bytes
}

/// A PNG with a chunk `eXIf` behind its header.
fn png_turned(orientation: u8) -> Vec<u8> {
    let png = encoded(image::ImageFormat::Png);
    let exif = exif(orientation);
    let mut chunk = b"eXIf".to_vec();
    chunk.extend(&exif);
    let mut bytes = png[..33].to_vec();
    bytes.extend(u32::try_from(exif.len()).unwrap().to_be_bytes());
    bytes.extend(&chunk);
    bytes.extend(crc32(&chunk).to_be_bytes());
    bytes.extend(&png[33..]);
    bytes
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 * (crc & 1))
        })
    };
    !bytes.iter().fold(!0, step)
}

#[test]
fn common_formats_are_read() {
    for (format, name) in [
        (image::ImageFormat::Gif, "gif"),
        (image::ImageFormat::Bmp, "bmp"),
        (image::ImageFormat::Tiff, "tiff"),
    ] {
        let bytes = encoded(format);
        let (image, found) = decode(&bytes, LIMITS).unwrap();
        assert_eq!(found.name(), name);
        assert_eq!((image.width, image.height), (6, 4));
        assert_eq!(image.pixels[..6], [255, 0, 0, 10, 20, 200], "{name}");
        let cut = decode(&bytes[..bytes.len() / 2], LIMITS).unwrap_err();
        assert!(
            ["truncated", "damaged"].contains(&cut.kind()),
            "{name}: {cut}"
        );
    }
    assert_eq!(decode(&read("other.gif"), LIMITS).unwrap().1, Format::Gif);
}

#[test]
fn sixteen_bits_and_alpha_become_rgb() {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let image = image::ImageBuffer::from_pixel(3, 2, image::LumaA([0_u16, 0x8000]));
    let image = image::DynamicImage::ImageLumaA16(image);
    image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    let (image, _) = decode(bytes.get_ref(), LIMITS).unwrap();
    // Black, half transparent, on white.
    assert!(
        image
            .pixels
            .iter()
            .all(|&value| (126..=128).contains(&value))
    );
}

#[test]
fn images_are_turned_upright_as_exif_says() {
    // Where the upper left pixel comes to stand, by orientation (EXIF 2.3, 4.6.4).
    for (orientation, size, at) in [
        (1, (6, 4), (0, 0)),
        (2, (6, 4), (5, 0)),
        (3, (6, 4), (5, 3)),
        (4, (6, 4), (0, 3)),
        (5, (4, 6), (0, 0)),
        (6, (4, 6), (3, 0)),
        (7, (4, 6), (3, 5)),
        (8, (4, 6), (0, 5)),
    ] {
        let bytes = png_turned(orientation);
        let decoded = images::decode(&bytes, LIMITS, Orient::Upright).unwrap();
        let rgb = decoded.rgb;
        assert_eq!((rgb.width, rgb.height), size, "{orientation}");
        assert_eq!(decoded.orientation, orientation);
        let pixel = 3 * (at.1 * size.0 + at.0);
        assert_eq!(
            rgb.pixels[pixel as usize..][..3],
            [255, 0, 0],
            "{orientation}"
        );
        let stored = images::decode(&bytes, LIMITS, Orient::AsStored).unwrap();
        assert_eq!((stored.rgb.width, stored.orientation), (6, 1));
    }
}

/// `jpeg` with a segment APP1 of EXIF behind its start.
fn jpeg_turned(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    let mut body = b"Exif\0\0".to_vec();
    body.extend(exif(orientation));
    let mut bytes = jpeg[..2].to_vec();
    bytes.extend([0xff, 0xe1]);
    bytes.extend(u16::try_from(body.len() + 2).unwrap().to_be_bytes());
    bytes.extend(body);
    bytes.extend(&jpeg[2..]);
    bytes
}

#[test]
fn a_jpeg_is_turned_upright() {
    let jpeg = read("odd-baseline.jpg");
    let lying = images::decode(&jpeg_turned(&jpeg, 8), LIMITS, Orient::Upright).unwrap();
    assert_eq!(
        (lying.rgb.width, lying.rgb.height, lying.orientation),
        (29, 37, 8)
    );
    let plain = decode(&jpeg, LIMITS).unwrap().0;
    // Turned counter-clockwise, the last column is the first row.
    let last = 3 * (plain.width as usize - 1);
    assert_eq!(lying.rgb.pixels[..3], plain.pixels[last..last + 3]);
    // An orientation that there isn't changes nothing.
    let odd = images::decode(&jpeg_turned(&jpeg, 9), LIMITS, Orient::Upright).unwrap();
    assert_eq!((odd.rgb, odd.orientation), (plain, 1));
}

#[test]
fn faults_that_libjpeg_passes_over_are_passed_over() {
    let jpeg = read("odd-baseline.jpg");
    let plain = decode(&jpeg, LIMITS).unwrap().0;
    let table = jpeg
        .windows(2)
        .position(|pair| pair == [0xff, 0xc4])
        .unwrap();
    for stray in [vec![0; 4], vec![0x20; 33], vec![0xff; 7]] {
        let bytes = [&jpeg[..table], &stray, &jpeg[table..]].concat();
        let decoded = images::decode(&bytes, LIMITS, Orient::Upright).unwrap();
        assert_eq!(decoded.rgb, plain, "{stray:?}");
        assert_eq!(decoded.damage.is_some(), stray[0] != 0xff, "{stray:?}");
    }
    // A damaged block in the middle: the rest is shown.
    let mut damaged = jpeg.clone();
    let middle = jpeg.len() - 200;
    damaged[middle..middle + 8].fill(0xff);
    let decoded = images::decode(&damaged, LIMITS, Orient::Upright).unwrap();
    assert_eq!((decoded.rgb.width, decoded.rgb.height), (37, 29));
}
