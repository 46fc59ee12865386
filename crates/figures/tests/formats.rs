//! Figures in each format, on drawings that one can check by eye.

#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

use std::io::Read as _;

use figures::{Figure, FigureError, Format};

/// A drawing of 40 × 20 units: its left half is red.
fn drawing(style: &str, marks: &str) -> String {
    format!(
        "<svg class=\"drawing\" xmlns=\"http://www.w3.org/2000/svg\" width=\"40\" height=\"20\" viewBox=\"0 0 40 20\">\
         <title>A &lt; B</title><desc>Halves.</desc><style>{style}</style>\
         <rect fill=\"#ff0000\" width=\"20\" height=\"20\"/>{marks}</svg>"
    )
}

fn figure(marks: &str) -> Figure {
    Figure::read(&drawing("", marks)).unwrap()
}

/// Width, height, resolution in pixels per meter, and RGB of a PNG.
fn pixels(file: &[u8]) -> (u32, u32, u32, Vec<[u8; 3]>) {
    let mut reader = png::Decoder::new(std::io::Cursor::new(file))
        .read_info()
        .unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    let resolution = reader.info().pixel_dims.unwrap().xppu;
    let colors = bytes.chunks_exact(3).map(|c| [c[0], c[1], c[2]]).collect();
    (info.width, info.height, resolution, colors)
}

fn png_of(figure: &Figure, scale: f32) -> (u32, u32, u32, Vec<[u8; 3]>) {
    pixels(&Format::Png.file(figure, scale).unwrap())
}

/// The operators of a PDF's only page.
fn operators(figure: &Figure) -> String {
    let pdf = Format::Pdf.file(figure, 1.0).unwrap();
    let find = |part: &[u8]| pdf.windows(part.len()).position(|window| window == part);
    let begin = find(b"stream\n").unwrap() + b"stream\n".len();
    let mut text = String::new();
    let mut decoder = flate2::read::ZlibDecoder::new(&pdf[begin..]);
    decoder.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn a_png_has_the_scale_and_the_size_on_paper() {
    let (width, height, resolution, colors) = png_of(&figure(""), 3.125);
    // 300 dots per inch.
    assert_eq!((width, height, resolution), (125, 63, 11811));
    let at = |x: usize, y: usize| colors[y * 125 + x];
    assert_eq!(at(10, 30), [255, 0, 0]);
    assert_eq!(at(100, 30), [255, 255, 255]);
    let large = Format::Png.file(&figure(""), 1e6);
    assert!(matches!(large, Err(FigureError::TooLarge { .. })));
}

#[test]
fn text_is_set_in_the_font_whatever_the_style_names() {
    let text = |style: &str| {
        let svg = drawing(style, "<text x=\"22\" y=\"14\">Aβж</text>");
        let figure = Figure::read(&svg).unwrap();
        assert!(figure.missing().is_empty());
        png_of(&figure, 2.0).3
    };
    let regular = text("text{font:11px system-ui,\"Segoe UI\",sans-serif}");
    assert!(regular != png_of(&figure(""), 2.0).3);
    assert_eq!(regular, text("text{font-family:serif;font-size:11px}"));
    let semi_bold = text("text{font:11px system-ui;font-weight:600}");
    let ink = |colors: &[[u8; 3]]| {
        let dark = colors
            .iter()
            .filter(|color| color[1] < 128 && color[0] < 128);
        dark.count()
    };
    assert!(ink(&semi_bold) > ink(&regular));
}

#[test]
fn characters_without_a_glyph_are_reported() {
    let figure = figure("<text x=\"1\" y=\"9\">a漢</text><text x=\"1\" y=\"9\">あ</text>");
    let missing: Vec<char> = figure.missing().iter().copied().collect();
    assert_eq!(missing, ['あ', '漢']);
}

#[test]
fn text_beyond_an_edge_is_reported() {
    let text = |x: i32, y: i32, text: &str, more: &str| {
        format!("<text x=\"{x}\" y=\"{y}\" font-size=\"5\"{more}>{text}</text>")
    };
    let marks = text(1, 9, "fits", "")
        + &text(30, 9, "too wide", "")
        + &text(-2, 9, "left", "")
        + &text(1, 19, "gap", "")
        + &text(36, 9, "I", " transform=\"rotate(-90 36 9)\"")
        + &text(38, 15, "up", " transform=\"rotate(-90 38 15)\"")
        + &text(38, 5, "long", " transform=\"rotate(-90 38 5)\"")
        // The upper right corner, which is empty in an L, is beyond the upper edge.
        + &text(20, 4, "L", " transform=\"rotate(-45 20 4)\"")
        + &text(30, 4, "T", " transform=\"rotate(-45 30 4)\"");
    assert_eq!(
        figure(&marks).clipped(),
        ["too wide", "left", "gap", "long", "T"]
    );
}

#[test]
fn turned_text_of_a_pdf_is_turned() {
    let operators = operators(&figure(
        "<text x=\"9\" y=\"9\" transform=\"rotate(90 9 9)\">o</text>",
    ));
    let outline = operators.lines().rfind(|line| line.ends_with(" cm"));
    // A quarter turn of a scaled glyph, whose y axis points upwards: only the two axes change places.
    let numbers: Vec<f32> = { outline.unwrap().split(' ') }
        .map_while(|number| number.parse().ok())
        .collect();
    assert!(
        numbers[0].abs() < 1e-6 && numbers[3].abs() < 1e-6,
        "{numbers:?}"
    );
    assert!(
        numbers[1].abs() > 1e-3 && numbers[2].abs() > 1e-3,
        "{numbers:?}"
    );
}

#[test]
fn a_pdf_has_the_shapes() {
    let marks =
        "<path d=\"M1 2L3 4\" stroke=\"#0000ff\" stroke-opacity=\".5\" stroke-dasharray=\"3 1\"/>";
    let figure = figure(marks);
    // Half an inch is 36 points, of 40 units 30; the y axis points upwards.
    let expected = "\
0.75 0 0 -0.75 0 15 cm
q
1 0 0 1 0 0 cm
/G0 gs
1 0 0 rg
0 0 m
20 0 l
20 20 l
0 20 l
h
f
Q
q
1 0 0 1 0 0 cm
/G1 gs
0 0 0 rg
1 2 m
3 4 l
f
0 0 1 RG
1 w
0 J
0 j
4 M
[3 1] 0 d
1 2 m
3 4 l
S
Q";
    assert_eq!(operators(&figure).trim_end(), expected);
    let pdf = Format::Pdf.file(&figure, 1.0).unwrap();
    let text = String::from_utf8_lossy(&pdf);
    assert!(text.starts_with("%PDF-1."));
    for part in ["/MediaBox [0 0 30 15]", "/Title (A < B)", "/CA 0.5"] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
}

#[test]
fn text_of_a_pdf_is_outlines() {
    let operators = operators(&figure("<text x=\"1\" y=\"9\">o</text>"));
    // The rectangle, and the outer and the inner curve of the letter; no operator of text.
    assert_eq!(operators.matches("\nh\n").count(), 3, "{operators}");
    assert!(operators.contains(" c\n"));
    assert!(!operators.contains("BT") && !operators.contains("Tj"));
}

#[test]
fn a_drawing_that_a_pdf_cannot_show_is_an_error() {
    let gradient = "<linearGradient id=\"g\"><stop offset=\"0\"/><stop offset=\"1\" stop-color=\"red\"/></linearGradient>\
                    <rect width=\"9\" height=\"9\" fill=\"url(#g)\"/>";
    let group = "<g opacity=\".5\"><rect width=\"9\" height=\"9\"/></g>";
    for (marks, found) in [(gradient, "a gradient"), (group, "a translucent group")] {
        let error = Format::Pdf.file(&figure(marks), 1.0).unwrap_err();
        let expected =
            format!("cannot write PDF: found {found}, expected shapes and text in plain colors");
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn outlined_svg_looks_the_same_without_font_and_style() {
    let marks =
        "<circle class=\"dot\" cx=\"30\" cy=\"10\" r=\"4\"/><text x=\"22\" y=\"14\">A</text>";
    let svg = drawing(
        ".dot{fill:none;stroke:#006443}text{font:11px system-ui}",
        marks,
    );
    let figure = Figure::read(&svg).unwrap();
    let outlined = String::from_utf8(Format::Svg.file(&figure, 1.0).unwrap()).unwrap();
    assert!(!outlined.contains("<text") && !outlined.contains("<style"));
    assert!(outlined.contains(" viewBox=\"0 0 40 20\">"));
    let again = Figure::read(&outlined).unwrap();
    assert_eq!(again.title(), "A < B");
    let (width, height, _, now) = png_of(&again, 2.0);
    assert_eq!((width, height), (80, 40));
    let (_, _, _, before) = png_of(&figure, 2.0);
    let pairs = now.as_flattened().iter().zip(before.as_flattened());
    let differing = pairs.filter(|(now, before)| now.abs_diff(**before) > 8);
    assert_eq!(differing.count(), 0);
}

#[test]
fn outlined_svg_without_shapes_is_valid() {
    let svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"40\" height=\"20\"><title>A &lt; B</title></svg>";
    let figure = Figure::read(svg).unwrap();
    let outlined = String::from_utf8(Format::Svg.file(&figure, 1.0).unwrap()).unwrap();
    let again = Figure::read(&outlined).unwrap();
    assert_eq!(again.title(), "A < B", "{outlined}");
    assert!(outlined.contains(" viewBox=\"0 0 40 20\">"), "{outlined}");
}

#[test]
fn invalid_svg_is_an_error() {
    for (text, error) in [
        ("an essay", "expected SVG, found no XML"),
        ("<html/>", "cannot read the SVG"),
    ] {
        let found = Figure::read(text).unwrap_err().to_string();
        assert!(found.starts_with(error), "{found}");
    }
}
