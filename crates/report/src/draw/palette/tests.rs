//! Contrast of the colors, and their differences under each kind of color vision.

use super::*;
use crate::draw::figure::STYLE;

type Vector = [f64; 3];
type Matrix = [Vector; 3];

/// Normal vision, and complete protanopia, deuteranopia and tritanopia on linear RGB (Machado, Oliveira and Fernandes
/// 2009, table of severity 1.0).
const VISIONS: [(&str, Matrix); 4] = [
    (
        "normal",
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
    ),
    (
        "protan",
        [
            [0.152_286, 1.052_583, -0.204_868],
            [0.114_503, 0.786_281, 0.099_216],
            [-0.003_882, -0.048_116, 1.051_998],
        ],
    ),
    (
        "deutan",
        [
            [0.367_322, 0.860_646, -0.227_968],
            [0.280_085, 0.672_501, 0.047_413],
            [-0.011_820, 0.042_940, 0.968_881],
        ],
    ),
    (
        "tritan",
        [
            [1.255_528, -0.076_749, -0.178_779],
            [-0.078_411, 0.930_809, 0.147_602],
            [0.004_733, 0.691_367, 0.303_900],
        ],
    ),
];

/// sRGB to XYZ under D65 (IEC 61966-2-1).
const XYZ: Matrix = [
    [0.412_456_4, 0.357_576_1, 0.180_437_5],
    [0.212_672_9, 0.715_152_2, 0.072_175_0],
    [0.019_333_9, 0.119_192_0, 0.950_304_1],
];

fn apply(matrix: &Matrix, vector: Vector) -> Vector {
    matrix.map(|row| row.iter().zip(vector).map(|(a, b)| a * b).sum())
}

/// Linear RGB in `[0, 1]` of `#rrggbb`.
fn linear(hex: &str) -> Vector {
    [1, 3, 5].map(|at| {
        let value = f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0;
        if value <= 0.040_45 {
            value / 12.92
        } else {
            ((value + 0.055) / 1.055).powf(2.4)
        }
    })
}

/// WCAG 2.2, relative luminance and contrast ratio.
fn contrast(a: &str, b: &str) -> f64 {
    let luminance = |hex| apply(&XYZ, linear(hex))[1];
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// CIELAB of linear RGB.
fn lab(rgb: Vector) -> Vector {
    let white = apply(&XYZ, [1.0; 3]);
    let xyz = apply(&XYZ, rgb);
    let [x, y, z] = [0, 1, 2].map(|i| {
        let ratio: f64 = xyz[i] / white[i];
        if ratio > 216.0 / 24389.0 {
            ratio.cbrt()
        } else {
            (24389.0 / 27.0 * ratio + 16.0) / 116.0
        }
    });
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

/// CIEDE2000, after Sharma, Wu and Dalal (2005), with unit weights.
fn ciede2000(first: Vector, second: Vector) -> f64 {
    let mean_chroma = f64::midpoint(first[1].hypot(first[2]), second[1].hypot(second[2]));
    let saturated = |chroma: f64| (chroma.powi(7) / (chroma.powi(7) + 25_f64.powi(7))).sqrt();
    let stretch = 1.0 + 0.5 * (1.0 - saturated(mean_chroma));
    let polar = |[l, a, b]: Vector| {
        let a = stretch * a;
        (l, a.hypot(b), b.atan2(a).to_degrees().rem_euclid(360.0))
    };
    let ((l1, c1, h1), (l2, c2, h2)) = (polar(first), polar(second));
    let is_gray = c1 * c2 < 1e-12;
    let turn = match h2 - h1 {
        _ if is_gray => 0.0,
        turn if turn > 180.0 => turn - 360.0,
        turn if turn < -180.0 => turn + 360.0,
        turn => turn,
    };
    let hue = match h1 + h2 {
        sum if is_gray => sum,
        sum if (h1 - h2).abs() <= 180.0 => sum / 2.0,
        sum if sum < 360.0 => sum / 2.0 + 180.0,
        sum => sum / 2.0 - 180.0,
    };
    let (light, chroma) = (f64::midpoint(l1, l2), f64::midpoint(c1, c2));
    let cos = |factor: f64, shift: f64| (factor * hue + shift).to_radians().cos();
    let t = 1.0 - 0.17 * cos(1.0, -30.0) + 0.24 * cos(2.0, 0.0) + 0.32 * cos(3.0, 6.0)
        - 0.2 * cos(4.0, -63.0);
    let off = (light - 50.0).powi(2);
    let by_light = (l2 - l1) / (1.0 + 0.015 * off / (20.0 + off).sqrt());
    let by_chroma = (c2 - c1) / (1.0 + 0.045 * chroma);
    let by_hue =
        2.0 * (c1 * c2).sqrt() * (turn / 2.0).to_radians().sin() / (1.0 + 0.015 * chroma * t);
    let rotation = 60.0 * (-((hue - 275.0) / 25.0).powi(2)).exp();
    let mixed = -rotation.to_radians().sin() * 2.0 * saturated(chroma) * by_chroma * by_hue;
    (by_light.powi(2) + by_chroma.powi(2) + by_hue.powi(2) + mixed).sqrt()
}

/// Smallest difference of two of `colors`, with the pair and the vision.
fn least_difference(colors: &[&str]) -> (f64, String) {
    let mut least = (f64::INFINITY, String::new());
    for (vision, matrix) in &VISIONS {
        let seen = |hex| lab(apply(matrix, linear(hex)).map(|v| v.clamp(0.0, 1.0)));
        for (i, a) in colors.iter().enumerate() {
            for b in &colors[..i] {
                let difference = ciede2000(seen(a), seen(b));
                if difference < least.0 {
                    least = (difference, format!("{a} {b} {vision}"));
                }
            }
        }
    }
    least
}

/// Colors of `palette`: on light, on dark.
fn colors(palette: Palette) -> [Vec<&'static str>; 2] {
    let prefix = format!("{}-", palette.name());
    let own: Vec<_> = COLORS
        .iter()
        .filter(|(name, ..)| name.starts_with(&prefix))
        .collect();
    assert_eq!(own.len(), palette.n_colors());
    [
        own.iter().map(|(_, light, _)| *light).collect(),
        own.iter().map(|(.., dark)| *dark).collect(),
    ]
}

#[test]
fn no_property_is_left_unresolved() {
    let css = resolve(STYLE);
    assert!(!css.contains("var("), "{css}");
}

#[test]
fn differences_are_those_of_the_published_examples() {
    // Sharma, Wu and Dalal (2005), table 1, pairs 1, 7, 9, 17, 20 and 25, to four digits.
    let pairs = [
        ([50.0, 2.6772, -79.7751], [50.0, 0.0, -82.7485], 2.0425),
        ([50.0, 0.0, 0.0], [50.0, -1.0, 2.0], 2.3669),
        ([50.0, 2.49, -0.001], [50.0, -2.49, 0.0009], 7.1792),
        ([50.0, 2.5, 0.0], [73.0, 25.0, -18.0], 27.1492),
        ([50.0, 2.5, 0.0], [58.0, 24.0, 15.0], 19.4535),
        (
            [60.2574, -34.0099, 36.2677],
            [60.4626, -34.1751, 39.4387],
            1.2644,
        ),
    ];
    for (a, b, expected) in pairs {
        let found = ciede2000(a, b);
        assert!((found - expected).abs() < 5e-5, "{found} {expected}");
    }
}

#[test]
fn marks_stand_out_from_the_ground() {
    let grounds = ["#ffffff", "#15171b"];
    for palette in [Palette::Classes, Palette::Clusters, Palette::Key] {
        for (colors, ground) in colors(palette).into_iter().zip(grounds) {
            for color in colors {
                let ratio = contrast(color, ground);
                assert!(ratio >= 3.0, "{color} on {ground}: {ratio:.2}");
            }
        }
    }
}

#[test]
fn colors_differ_with_any_color_vision() {
    // Two patches side by side are told apart from about 2 on; marks are small and lie apart, so shapes differ as well.
    let least = [
        (Palette::Classes, [12.5, 13.0]),
        (Palette::Clusters, [10.0, 8.0]),
    ];
    for (palette, expected) in least {
        for (colors, expected) in colors(palette).into_iter().zip(expected) {
            let (difference, pair) = least_difference(&colors);
            assert!(difference >= expected, "{difference:.1}: {pair}");
        }
    }
}
