//! A figure, read from a file of the report.

use std::collections::BTreeSet;

use resvg::usvg::roxmltree::{self, Document};
use resvg::usvg::{Group, Node, Rect, Size, Transform, Tree};

use crate::error::FigureError;
use crate::font::{self, Missing};

/// A figure. Lengths are in its units, of which 96 are an inch.
#[derive(Debug)]
pub struct Figure {
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) tree: Tree,
    missing: BTreeSet<char>,
    clipped: Vec<String>,
}

impl Figure {
    /// Reads the text of an SVG file.
    ///
    /// # Errors
    /// The text is no SVG, or a size is missing.
    pub fn read(svg: &str) -> Result<Self, FigureError> {
        let document = Document::parse(svg)?;
        let missing = Missing::default();
        let tree = Tree::from_xmltree(&document, &font::options(&missing))?;
        let root = document.root_element();
        let mut clipped = Vec::new();
        add_clipped(tree.root(), tree.size(), &mut clipped);
        Ok(Self {
            title: text(root, "title"),
            description: text(root, "desc"),
            tree,
            missing: missing.into_characters(),
            clipped,
        })
    }

    /// Title.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Width and height.
    #[must_use]
    pub fn size(&self) -> [f32; 2] {
        let size = self.tree.size();
        [size.width(), size.height()]
    }

    /// Characters for which the font has no glyph, the first of each text: a box is in their place.
    #[must_use]
    pub fn missing(&self) -> &BTreeSet<char> {
        &self.missing
    }

    /// Texts that an edge of the figure cuts off.
    #[must_use]
    pub fn clipped(&self) -> &[String] {
        &self.clipped
    }
}

/// The text of an element directly in `root`.
fn text(root: roxmltree::Node<'_, '_>, name: &str) -> String {
    let mut elements = root.children().filter(roxmltree::Node::is_element);
    let element = elements.find(|element| element.tag_name().name() == name);
    let text = element.and_then(|element| element.text());
    text.unwrap_or_default().to_owned()
}

/// Adds the texts of a group whose outlines reach beyond an edge.
fn add_clipped(group: &Group, size: Size, clipped: &mut Vec<String>) {
    for node in group.children() {
        match node {
            Node::Group(group) => add_clipped(group, size, clipped),
            Node::Text(text) => {
                if is_clipped(text.flattened(), text.abs_transform(), size) {
                    let chunks = text.chunks().iter();
                    clipped.push(chunks.map(|chunk| chunk.text()).collect());
                }
            }
            Node::Path(_) | Node::Image(_) => {}
        }
    }
}

/// Returns whether an outline of a group reaches beyond an edge. `outer` leads from the coordinates around the group to
/// the figure's.
fn is_clipped(group: &Group, outer: Transform, size: Size) -> bool {
    let transform = outer.pre_concat(group.transform());
    group.children().iter().any(|node| match node {
        Node::Group(group) => is_clipped(group, transform, size),
        Node::Path(path) => {
            // The bounds of slanted text are narrower than those of its slanted bounding box.
            let outline = path.data().clone().transform(transform);
            let bounds = outline.and_then(|outline| outline.compute_tight_bounds());
            bounds.is_some_and(|bounds| is_beyond(bounds, size))
        }
        Node::Text(_) | Node::Image(_) => false,
    })
}

fn is_beyond(bounds: Rect, size: Size) -> bool {
    bounds.left() < 0.0
        || bounds.right() > size.width()
        || bounds.top() < 0.0
        || bounds.bottom() > size.height()
}
