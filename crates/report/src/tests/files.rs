//! The figures' files, as `cargo xtask figures` reads them.

use figures::{Figure, Format};

use super::fixture::{report, study};

/// Scale of the PNG files: small, so that the test is fast.
const SCALE: f32 = 0.25;

#[test]
fn every_figure_has_a_file_in_each_format() {
    let report = report(&study());
    assert!(!report.figures.is_empty());
    for file in &report.figures {
        let name = &file.name;
        let figure = Figure::read(&file.svg).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!figure.title().is_empty(), "{name}");
        assert!(
            figure.missing().is_empty(),
            "{name}: {:?}",
            figure.missing()
        );
        assert!(
            figure.clipped().is_empty(),
            "{name}: {:?}",
            figure.clipped()
        );
        for (format, begin) in [
            (Format::Png, &b"\x89PNG"[..]),
            (Format::Pdf, b"%PDF"),
            (Format::Svg, b"<svg "),
        ] {
            let bytes = format.file(&figure, SCALE);
            let bytes = bytes.unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(bytes.starts_with(begin), "{name}");
            assert_eq!(bytes, format.file(&figure, SCALE).unwrap(), "{name}");
        }
    }
}
