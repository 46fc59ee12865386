//! The operators of a page.

use pdf_writer::types::{LineCapStyle, LineJoinStyle};
use pdf_writer::{Content, Name};
use resvg::tiny_skia::{self, PathSegment, Point};
use resvg::usvg::{
    BlendMode, Color, Fill, FillRule, Group, LineCap, LineJoin, Node, Opacity, Paint, PaintOrder,
    Path, Stroke, Transform, Tree,
};

use crate::UNITS_PER_INCH;
use crate::error::FigureError;

/// Points of a unit of a figure: 72 points are an inch.
pub(super) const POINTS: f32 = 72.0 / UNITS_PER_INCH;

/// Opacities of a shape, in `[0, 1]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ShapeOpacity {
    pub(super) fill: f32,
    pub(super) stroke: f32,
}

/// A drawn page.
pub(super) struct Page {
    pub(super) content: Content,
    /// Graphics states, in the order of their first use.
    pub(super) opacities: Vec<ShapeOpacity>,
}

impl Page {
    /// Draws a figure, whose y axis points downwards.
    pub(super) fn draw(tree: &Tree) -> Result<Self, FigureError> {
        let mut page = Page {
            content: Content::new(),
            opacities: Vec::new(),
        };
        let height = tree.size().height() * POINTS;
        let axes = [POINTS, 0.0, 0.0, -POINTS, 0.0, height];
        page.content.transform(axes);
        page.group(tree.root(), Transform::identity())?;
        Ok(page)
    }

    /// `outer` leads from the coordinates around the group to the figure's.
    fn group(&mut self, group: &Group, outer: Transform) -> Result<(), FigureError> {
        check(group)?;
        let transform = outer.pre_concat(group.transform());
        for node in group.children() {
            match node {
                Node::Group(group) => self.group(group, transform)?,
                Node::Path(path) => self.path(path, transform)?,
                Node::Text(text) => self.group(text.flattened(), transform)?,
                Node::Image(_) => return Err(FigureError::Unsupported("an image")),
            }
        }
        Ok(())
    }

    fn path(&mut self, path: &Path, transform: Transform) -> Result<(), FigureError> {
        if !path.is_visible() {
            return Ok(());
        }
        let opacity = ShapeOpacity {
            fill: path.fill().map_or(1.0, |fill| fill.opacity().get()),
            stroke: path.stroke().map_or(1.0, |stroke| stroke.opacity().get()),
        };
        let state = self.state(opacity);
        self.content.save_state();
        self.content.transform(matrix(transform));
        self.content.set_parameters(Name(state.as_bytes()));
        match path.paint_order() {
            PaintOrder::FillAndStroke => {
                self.fill(path)?;
                self.stroke(path)?;
            }
            PaintOrder::StrokeAndFill => {
                self.stroke(path)?;
                self.fill(path)?;
            }
        }
        self.content.restore_state();
        Ok(())
    }

    fn fill(&mut self, path: &Path) -> Result<(), FigureError> {
        let Some(fill) = path.fill().filter(|fill| !is_clear(fill.opacity())) else {
            return Ok(());
        };
        let [red, green, blue] = rgb(color(fill.paint())?);
        self.content.set_fill_rgb(red, green, blue);
        self.outline(path.data());
        finish_fill(&mut self.content, fill);
        Ok(())
    }

    fn stroke(&mut self, path: &Path) -> Result<(), FigureError> {
        let Some(stroke) = { path.stroke() }.filter(|stroke| !is_clear(stroke.opacity())) else {
            return Ok(());
        };
        let [red, green, blue] = rgb(color(stroke.paint())?);
        self.content.set_stroke_rgb(red, green, blue);
        set_line(&mut self.content, stroke);
        self.outline(path.data());
        self.content.stroke();
        Ok(())
    }

    /// Adds segments to the current path.
    fn outline(&mut self, path: &tiny_skia::Path) {
        let mut at = Point::zero();
        for segment in path.segments() {
            match segment {
                PathSegment::MoveTo(to) => {
                    self.content.move_to(to.x, to.y);
                    at = to;
                }
                PathSegment::LineTo(to) => {
                    self.content.line_to(to.x, to.y);
                    at = to;
                }
                PathSegment::QuadTo(control, to) => {
                    let [first, second] = [at, to].map(|end| two_thirds(end, control));
                    let content = &mut self.content;
                    content.cubic_to(first.x, first.y, second.x, second.y, to.x, to.y);
                    at = to;
                }
                PathSegment::CubicTo(first, second, to) => {
                    let content = &mut self.content;
                    content.cubic_to(first.x, first.y, second.x, second.y, to.x, to.y);
                    at = to;
                }
                PathSegment::Close => {
                    self.content.close_path();
                }
            }
        }
    }

    /// Name of the graphics state with an opacity.
    fn state(&mut self, opacity: ShapeOpacity) -> String {
        let known = { self.opacities.iter() }.position(|known| *known == opacity);
        state_name(known.unwrap_or_else(|| {
            self.opacities.push(opacity);
            self.opacities.len() - 1
        }))
    }
}

/// Name of the graphics state `i`.
pub(super) fn state_name(i: usize) -> String {
    format!("G{i}")
}

/// Refuses groups that must be drawn on a layer of their own.
fn check(group: &Group) -> Result<(), FigureError> {
    let found = if group.clip_path().is_some() {
        "a clip path"
    } else if group.mask().is_some() {
        "a mask"
    } else if !group.filters().is_empty() {
        "a filter"
    } else if group.blend_mode() != BlendMode::Normal {
        "a blend mode"
    } else if group.opacity() != Opacity::ONE {
        "a translucent group"
    } else {
        return Ok(());
    };
    Err(FigureError::Unsupported(found))
}

fn color(paint: &Paint) -> Result<Color, FigureError> {
    match paint {
        Paint::Color(color) => Ok(*color),
        Paint::LinearGradient(_) | Paint::RadialGradient(_) => {
            Err(FigureError::Unsupported("a gradient"))
        }
        Paint::Pattern(_) => Err(FigureError::Unsupported("a pattern")),
    }
}

fn is_clear(opacity: Opacity) -> bool {
    opacity == Opacity::ZERO
}

/// Channels in `[0, 1]`.
fn rgb(color: Color) -> [f32; 3] {
    [color.red, color.green, color.blue].map(|channel| f32::from(channel) / 255.0)
}

fn matrix(transform: Transform) -> [f32; 6] {
    let Transform {
        sx,
        kx,
        ky,
        sy,
        tx,
        ty,
    } = transform;
    [sx, ky, kx, sy, tx, ty]
}

/// The control point of a cubic curve that is a quadratic one: two thirds of the way from an end to its control point.
fn two_thirds(end: Point, control: Point) -> Point {
    let between = |end: f32, control: f32| end + (control - end) * 2.0 / 3.0;
    Point::from_xy(between(end.x, control.x), between(end.y, control.y))
}

fn finish_fill(content: &mut Content, fill: &Fill) {
    match fill.rule() {
        FillRule::NonZero => content.fill_nonzero(),
        FillRule::EvenOdd => content.fill_even_odd(),
    };
}

fn set_line(content: &mut Content, stroke: &Stroke) {
    content.set_line_width(stroke.width().get());
    content.set_line_cap(match stroke.linecap() {
        LineCap::Butt => LineCapStyle::ButtCap,
        LineCap::Round => LineCapStyle::RoundCap,
        LineCap::Square => LineCapStyle::ProjectingSquareCap,
    });
    content.set_line_join(match stroke.linejoin() {
        LineJoin::Miter | LineJoin::MiterClip => LineJoinStyle::MiterJoin,
        LineJoin::Round => LineJoinStyle::RoundJoin,
        LineJoin::Bevel => LineJoinStyle::BevelJoin,
    });
    content.set_miter_limit(stroke.miterlimit().get());
    if let Some(dashes) = stroke.dasharray() {
        content.set_dash_pattern(dashes.iter().copied(), stroke.dashoffset());
    }
}
