use super::*;

const SIDE: u32 = 8;

/// Two images of resized height 9 (for a side of 8), one of one color and one of another.
fn written() -> Vec<u8> {
    let geometry = Geometry::new(SIDE).unwrap();
    let originals = [("a/x.png", 9, 9), ("b/ü.jpg", 40, 9)];
    let mut writer = PixelsWriter::new(Vec::new(), geometry).unwrap();
    for (value, (path, width, height)) in (1..).zip(originals) {
        let image = flat(geometry, width, height, value);
        writer.append(path, (width, height), &image).unwrap();
    }
    writer.finish().unwrap()
}

fn flat(geometry: Geometry, width: u32, height: u32, value: u8) -> Rgb {
    let (width, height) = geometry.resized(width, height);
    let (width, height) = geometry.kept(width, height);
    Rgb {
        width,
        height,
        pixels: vec![value; (width * height * 3) as usize],
    }
}

fn open(bytes: &[u8]) -> Result<Pixels, ImageError> {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs_err::write(file.path(), bytes).unwrap();
    Pixels::open(file.path())
}

#[test]
fn what_is_written_is_read() {
    let pixels = open(&written()).unwrap();
    assert_eq!((pixels.len(), pixels.side_px()), (2, SIDE));
    assert_eq!(pixels.position("b/ü.jpg"), Some(1));
    assert_eq!(pixels.position("c"), None);
    let mut buffer = Vec::new();
    let second = pixels.read(1, &mut buffer).unwrap();
    // ⌈8·√2⌉ + 4 = 16, and 40 is a multiple of four beyond it.
    assert_eq!((second.width, second.height), (16, 9));
    assert_eq!((second.full_width, second.full_height), (40, 9));
    assert!(second.pixels.iter().all(|&value| value == 2));
    let first = pixels.read(0, &mut buffer).unwrap();
    assert_eq!(first.pixels, vec![1; 9 * 9 * 3]);
}

#[test]
fn many_threads_read_at_once() {
    let pixels = open(&written()).unwrap();
    std::thread::scope(|scope| {
        for index in [0, 1, 0, 1] {
            let pixels = &pixels;
            scope.spawn(move || {
                let mut buffer = Vec::new();
                for _ in 0..100 {
                    let image = pixels.read(index, &mut buffer).unwrap();
                    assert_eq!(usize::from(image.pixels[0]), index + 1);
                }
            });
        }
    });
}

#[test]
fn a_missing_image_is_an_error() {
    let pixels = open(&written()).unwrap();
    let error = pixels.read(2, &mut Vec::new()).unwrap_err();
    assert!(matches!(
        error,
        ImageError::NoImage {
            index: 2,
            len: 2,
            ..
        }
    ));
}

/// Bytes of the pixels of [`written`].
const PIXEL_BYTES: usize = 9 * 9 * 3 + 16 * 9 * 3;

#[test]
fn damage_of_front_and_index_is_an_error() {
    let bytes = written();
    let front = 0..16;
    for position in front.chain(16 + PIXEL_BYTES..bytes.len()) {
        let mut damaged = bytes.clone();
        damaged[position] ^= 1;
        let error = open(&damaged).expect_err("the hash covers front and index");
        assert!(matches!(error, ImageError::Malformed { .. }), "{error}");
    }
}

#[test]
fn any_cut_is_noticed() {
    let bytes = written();
    for end in 0..bytes.len() {
        assert!(open(&bytes[..end]).is_err(), "cut at {end}");
    }
    let longer = [bytes.as_slice(), b"x"].concat();
    assert!(open(&longer).is_err());
}

#[test]
fn a_huge_count_takes_no_memory() {
    let mut bytes = written();
    let counts = bytes.len() - 48;
    bytes[counts..counts + 8].fill(0xff);
    let message = open(&bytes).unwrap_err().to_string();
    assert!(message.contains("don't fit into"), "{message}");
}

#[test]
fn the_writer_refuses_an_image_of_another_size() {
    let geometry = Geometry::new(SIDE).unwrap();
    let mut writer = PixelsWriter::new(Vec::new(), geometry).unwrap();
    let error = writer.append("x", (9, 9), &flat(geometry, 18, 9, 0));
    assert!(matches!(error, Err(ImageError::UnexpectedSize { path, .. }) if path == "x"));
    // The refused image is no part of the file.
    writer
        .append("y", (9, 9), &flat(geometry, 9, 9, 7))
        .unwrap();
    let pixels = open(&writer.finish().unwrap()).unwrap();
    assert_eq!((pixels.len(), pixels.position("y")), (1, Some(0)));
}

#[test]
fn a_file_without_images_and_one_with_a_path_twice() {
    let geometry = Geometry::new(SIDE).unwrap();
    let writer = || PixelsWriter::new(Vec::new(), geometry).unwrap();
    assert!(open(&writer().finish().unwrap()).unwrap().is_empty());
    let mut twice = writer();
    for value in [1, 2] {
        let image = flat(geometry, 9, 9, value);
        twice.append("x", (9, 9), &image).unwrap();
    }
    let message = open(&twice.finish().unwrap()).unwrap_err().to_string();
    assert!(message.ends_with("`x` occurs twice"), "{message}");
}
