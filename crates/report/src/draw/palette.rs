//! Colors, in light and in dark.
//!
//! The eight of the series come from the hues of Okabe and Ito (2008, "Color universal design"), with the black replaced by a
//! gray. Lightness and chroma were moved until each has a contrast of 3 : 1 to the ground (WCAG 2.2, success criterion
//! 1.4.11), and until every two of them differ by 12.5 or more (CIEDE2000) with normal vision and with protanopia,
//! deuteranopia and tritanopia, simulated by the matrices of Machado, Oliveira and Fernandes (2009). The tests compute it.

use std::fmt::Write as _;

/// Name, color on light ground, color on dark ground.
const COLORS: [(&str, &str, &str); 21] = [
    ("surface", "#ffffff", "#15171b"),
    ("ink", "#1c1e22", "#e9e9e6"),
    ("muted", "#62676f", "#a0a6ae"),
    ("grid", "#e2e4e7", "#30343b"),
    ("raised", "#f6f7f8", "#1d2026"),
    ("mark", "#0072b2", "#56b4e9"),
    ("on-mark", "#ffffff", "#0b0d10"),
    ("on-half", "#111317", "#0b0d10"),
    ("series-0", "#0072b2", "#2f8fd8"),
    ("series-1", "#d55e00", "#f0803c"),
    ("series-2", "#006443", "#5bffc1"),
    ("series-3", "#8b7bff", "#d2bdff"),
    ("series-4", "#653d09", "#a25128"),
    ("series-5", "#223b7f", "#315ecd"),
    ("series-6", "#6b925c", "#d0f600"),
    ("series-7", "#897981", "#6e7d78"),
    ("cluster-0", "#5b2a86", "#7d5be6"),
    ("cluster-1", "#7a4a1e", "#b98a3a"),
    ("cluster-2", "#00605c", "#4fd0c8"),
    ("cluster-3", "#a3195b", "#ff9ec4"),
    ("key-0", "#62676f", "#a0a6ae"),
];

/// Colors of the groups of a drawing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Palette {
    /// Classes, and series of plots.
    Classes,
    /// Clusters, which are none of the classes.
    Clusters,
    /// The one color of a legend's key to shapes and fillings.
    Key,
}

impl Palette {
    /// Name of its custom properties, before their numbers.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Classes => "series",
            Self::Clusters => "cluster",
            Self::Key => "key",
        }
    }

    /// Number of colors, which repeat after the last.
    pub(crate) fn n_colors(self) -> usize {
        match self {
            Self::Classes => N_SERIES,
            Self::Clusters => 4,
            Self::Key => 1,
        }
    }
}

/// Red, green and blue.
pub(crate) type Rgb = [u8; 3];

/// Evidence for a class, and against it: the ends of signed maps. They lie over images, so that they are the
/// same in light and dark.
pub(crate) const FOR: Rgb = [0xe6, 0x62, 0x00];
/// See [`FOR`].
pub(crate) const AGAINST: Rgb = [0x00, 0x72, 0xb2];
/// Neither: the middle of their scale, in place of an image's gray.
pub(crate) const NEUTRAL: Rgb = [0xbb, 0xbb, 0xbb];

/// A color as style sheets write it.
pub(crate) fn hex([red, green, blue]: Rgb) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// Number of colors of the series, which repeat after the last.
pub(crate) const N_SERIES: usize = 8;

/// Custom properties for the page: light, and dark where the reader's device is.
pub(crate) fn properties() -> String {
    let mut css = String::from(":root{color-scheme:light dark;");
    for (name, light, _) in COLORS {
        let _ = write!(css, "--{name}:{light};");
    }
    css.push_str("}\n@media screen and (prefers-color-scheme:dark){:root{");
    for (name, _, dark) in COLORS {
        let _ = write!(css, "--{name}:{dark};");
    }
    css.push_str("}}\n");
    css
}

/// `css` with the light colors in place of the properties, for self-contained files: not every program that shows
/// SVG supports custom properties.
pub(crate) fn resolve(css: &str) -> String {
    COLORS.iter().fold(css.to_owned(), |css, (name, light, _)| {
        css.replace(&format!("var(--{name})"), light)
    })
}

#[cfg(test)]
mod tests;
