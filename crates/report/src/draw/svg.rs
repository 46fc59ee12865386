//! Drawing in SVG, with text as text and colors by class.

use maud::{Markup, html};

/// A point or a size, in the figure's units: pixels at the figure's own width.
pub(crate) type Point = (f64, f64);

/// A drawing. Later marks lie over earlier ones.
///
/// Looks come by class from the figures' style sheet, so that one drawing serves light and dark.
pub(crate) struct Canvas {
    size: Point,
    marks: Vec<Markup>,
}

impl Canvas {
    /// An empty drawing.
    pub(crate) fn new(size: Point) -> Self {
        let marks = Vec::new();
        Self { size, marks }
    }

    /// Width and height.
    pub(crate) fn size(&self) -> Point {
        self.size
    }

    /// All marks.
    pub(crate) fn marks(&self) -> Markup {
        html! { @for mark in &self.marks { (mark) } }
    }

    /// A straight line.
    pub(crate) fn line(&mut self, class: &str, from: Point, to: Point) {
        self.marks.push(html! {
            line class=(class) x1=(number(from.0)) y1=(number(from.1)) x2=(number(to.0)) y2=(number(to.1)) {}
        });
    }

    /// Straight lines from point to point.
    pub(crate) fn polyline(&mut self, class: &str, points: &[Point]) {
        let points: Vec<String> = points.iter().copied().map(pair).collect();
        self.marks
            .push(html! { polyline class=(class) points=(points.join(" ")) {} });
    }

    /// A rectangle by its upper left corner; `opacity` of its fill in `[0, 1]`.
    pub(crate) fn rect(&mut self, class: &str, corner: Point, size: Point, opacity: f64) {
        self.marks.push(html! {
            rect class=(class) x=(number(corner.0)) y=(number(corner.1)) width=(number(size.0)) height=(number(size.1)) fill-opacity=(format!("{opacity:.3}")) {}
        });
    }

    /// As [`Canvas::rect`], with a `title` for a reader's pointer.
    pub(crate) fn titled_rect(
        &mut self,
        class: &str,
        corner: Point,
        size: Point,
        opacity: f64,
        title: &str,
    ) {
        self.marks.push(html! {
            rect class=(class) x=(number(corner.0)) y=(number(corner.1)) width=(number(size.0)) height=(number(size.1)) fill-opacity=(format!("{opacity:.3}")) { title { (title) } }
        });
    }

    /// A circle.
    pub(crate) fn circle(&mut self, class: &str, center: Point, radius: f64) {
        self.marks.push(html! {
            circle class=(class) cx=(number(center.0)) cy=(number(center.1)) r=(number(radius)) {}
        });
    }

    /// A dot at each point as one mark with the tooltip `title`: lines without length whose caps are
    /// the dots, round or square by class.
    pub(crate) fn dots(&mut self, class: &str, points: &[Point], title: &str) {
        let path: String = points
            .iter()
            .map(|(x, y)| format!("M{} {}h0", number(*x), number(*y)))
            .collect();
        self.marks
            .push(html! { path class=(class) d=(path) { title { (title) } } });
    }

    /// An outline with the tooltip `title`.
    pub(crate) fn path(&mut self, class: &str, path: &str, title: &str) {
        self.marks
            .push(html! { path class=(class) d=(path) { title { (title) } } });
    }

    /// An invisible disk with the tooltip `title`, over a point of a curve.
    pub(crate) fn hover(&mut self, center: Point, radius: f64, title: &str) {
        self.marks.push(html! {
            circle.hover cx=(number(center.0)) cy=(number(center.1)) r=(number(radius)) { title { (title) } }
        });
    }

    /// Text on a base line, which starts, centers or ends at `at` by its class.
    pub(crate) fn text(&mut self, class: &str, at: Point, text: &str) {
        self.marks
            .push(html! { text class=(class) x=(number(at.0)) y=(number(at.1)) { (text) } });
    }

    /// Text turned about `at` by `degrees`, clockwise.
    pub(crate) fn turned_text(&mut self, class: &str, at: Point, degrees: f64, text: &str) {
        let turn = format!("rotate({} {})", number(degrees), pair(at));
        self.marks.push(
            html! { text class=(class) x=(number(at.0)) y=(number(at.1)) transform=(turn) { (text) } },
        );
    }
}

/// A name for figures: long ones are shortened in the middle, and control characters, which XML forbids, left out.
pub(crate) fn short(name: &str) -> String {
    const MOST: usize = 28;
    const END: usize = 9;
    let chars: Vec<char> = name.chars().filter(|c| !c.is_control()).collect();
    if chars.len() <= MOST {
        return chars.into_iter().collect();
    }
    let start = &chars[..MOST - END - 1];
    let end = &chars[chars.len() - END..];
    start.iter().chain(['…'].iter()).chain(end).collect()
}

fn pair((x, y): Point) -> String {
    format!("{} {}", number(x), number(y))
}

/// A coordinate with one digit after the point, which is finer than a screen.
pub(crate) fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    match text.as_str() {
        "-0.0" => "0".to_owned(),
        text => text.strip_suffix(".0").unwrap_or(text).to_owned(),
    }
}

/// About how wide `text` is in the figures' font at its usual size.
pub(crate) fn text_width(text: &str) -> f64 {
    text.chars().count() as f64 * 6.2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_are_short_and_without_negative_zero() {
        let texts = [1.0, 1.25, -0.04, 99.96, -3.5].map(number);
        assert_eq!(texts, ["1", "1.2", "0", "100", "-3.5"]);
    }

    #[test]
    fn long_names_keep_their_ends() {
        assert_eq!(short("tench, Tinca tinca"), "tench, Tinca tinca");
        assert_eq!(short(&"é".repeat(28)), "é".repeat(28));
        let long = format!("{}-{}", "a".repeat(60), "b".repeat(20));
        assert_eq!(
            short(&long),
            format!("{}…{}", "a".repeat(18), "b".repeat(9))
        );
        assert_eq!(short("a\u{1}b"), "ab");
    }

    #[test]
    fn text_is_escaped() {
        let mut canvas = Canvas::new((10.0, 10.0));
        canvas.text("end", (1.0, 2.0), "<b>&\"");
        let svg = canvas.marks().into_string();
        assert_eq!(
            svg,
            r#"<text class="end" x="1" y="2">&lt;b&gt;&amp;&quot;</text>"#
        );
    }
}
