//! Colors, in light and in dark.
//!
//! The eight of the series are those of Okabe and Ito (2008), which are distinguishable with any color vision; those too
//! pale for white or too deep for black are shifted in lightness, and the black became a gray.

use std::fmt::Write as _;

/// Name, color on light ground, color on dark ground.
const COLORS: [(&str, &str, &str); 16] = [
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
    ("series-2", "#009e73", "#2bb68d"),
    ("series-3", "#cc79a7", "#dd93bd"),
    ("series-4", "#e69f00", "#e69f00"),
    ("series-5", "#56b4e9", "#9ad6f7"),
    ("series-6", "#b3a200", "#f0e442"),
    ("series-7", "#6d6d6d", "#b4b7bc"),
];

/// Red, green and blue.
pub(crate) type Rgb = [u8; 3];

/// Evidence for a class, and against it: the ends of signed maps. They lie over images, so that they are the
/// same in light and dark.
pub(crate) const FOR: Rgb = [0xe6, 0x62, 0x00];
/// See [`FOR`].
pub(crate) const AGAINST: Rgb = [0x00, 0x72, 0xb2];

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
mod tests {
    use super::*;
    use crate::draw::figure::STYLE;

    #[test]
    fn no_property_is_left_unresolved() {
        let css = resolve(STYLE);
        assert!(!css.contains("var("), "{css}");
    }
}
