//! The font of all text: Inter in two weights, with Latin, Greek and Cyrillic letters.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use resvg::usvg::fontdb::{Database, ID, Source};
use resvg::usvg::{FontResolver, Options};

/// Weight 400. `fonts/subset.py` makes both files.
const REGULAR: &[u8] = include_bytes!("../fonts/Inter-Regular.ttf");

/// Weight 600.
const SEMI_BOLD: &[u8] = include_bytes!("../fonts/Inter-SemiBold.ttf");

/// Weight from which text is set in semi-bold.
const BOLD_FROM: u16 = 500;

/// Characters for which the font has no glyph.
#[derive(Default)]
pub(crate) struct Missing(Mutex<BTreeSet<char>>);

impl Missing {
    fn add(&self, character: char) {
        let mut characters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        characters.insert(character);
    }

    /// The characters: of each text the first.
    pub(crate) fn into_characters(self) -> BTreeSet<char> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Options of a reader that sets all text in the font, whatever families the figure names, and adds to `missing`.
pub(crate) fn options(missing: &Missing) -> Options<'_> {
    let mut fonts = Database::new();
    let mut load = |file: &'static [u8]| -> Option<ID> {
        let source = Source::Binary(Arc::new(file));
        fonts.load_font_source(source).first().copied()
    };
    let (regular, semi_bold) = (load(REGULAR), load(SEMI_BOLD));
    Options {
        fontdb: Arc::new(fonts),
        font_resolver: FontResolver {
            select_font: Box::new(move |font, _| match font.weight() {
                BOLD_FROM.. => semi_bold,
                _ => regular,
            }),
            select_fallback: Box::new(move |character, _, _| {
                missing.add(character);
                None
            }),
        },
        ..Options::default()
    }
}
