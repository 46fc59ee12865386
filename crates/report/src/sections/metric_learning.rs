//! Metric learning: a space in which classes stand apart, and what becomes of classes that it was learned without.

use std::collections::BTreeSet;

use maud::{Markup, html};
use tables::arrangement::Arrangement;
use tables::arrangement_score::ArrangementScore;
use tables::subset::Subset;

use crate::ReportError;
use crate::draw::figure::{Figure, row};
use crate::draw::format::{count, counted, list, subset_name, value};
use crate::draw::plot::{Margins, Plot};
use crate::draw::space::{Ground, Space, Star};
use crate::draw::table::table;
use crate::page::annotations::Annotations;
use crate::page::sample::Sample;
use crate::page::section::{Content, Context, Section};
use crate::page::tables::{LastGroup, Rows, reads};

/// Metrics: name in the table, name in the report, what to look for.
const METRICS: [(&str, &str, &str); 4] = [
    (
        "silhouette",
        "Silhouette",
        "From −1 to 1; higher is better. Above 0, a picture is nearer to its own class than to the next.",
    ),
    (
        "davies_bouldin",
        "Davies-Bouldin index",
        "At least 0; lower is better: how wide classes are, set against how far apart.",
    ),
    (
        "recall_at_1",
        "Recall at 1",
        "How often the nearest picture is of the same class.",
    ),
    (
        "map_at_r",
        "MAP@R",
        "How far up the pictures of the same class stand among the nearest, for as many as there are of them.",
    ),
];

/// The classes' kinds: name in the table, name in the report, color.
const CLASSES: [(&str, &str, &str); 2] = [
    ("learned", "learned", "curve stroke-0"),
    ("held-out", "held out", "curve stroke-1"),
];

reads! {
    /// Tables of the section.
    pub(crate) struct MetricLearning {
        annotations: Annotations,
        arrangement: LastGroup<Arrangement>,
        arrangement_scores: Rows<ArrangementScore>,
    }
}

impl Section for MetricLearning {
    fn draw(&self, context: &Context<'_>) -> Result<Option<Content>, ReportError> {
        let mut figures: Vec<Figure> = METRICS.map(|metric| self.panel(metric)).into();
        let curves = row(&figures);
        let spaces = self.spaces(context.sample);
        let has_held_out = !self.held_out().is_empty();
        let body = html! {
            p { (self.words()) }
            (curves)
            (self.last())
            @if let Some(spaces) = &spaces {
                (spaces[0].markup())
                p {
                    "Only directions count for the network, so the same pictures follow on the unit sphere. A class that was "
                    "learned should be a tight spot far from the others"
                    @if has_held_out { "; held-out classes smear where they are nothing of their own" }
                    "."
                    @if let Some(note) = context.sample.note() { (note) }
                }
                (spaces[1].markup())
            } @else {
                p.note { "Only a space of three dimensions can be drawn." }
            }
        };
        figures.extend(spaces.into_iter().flatten().map(|space| space.figure));
        Ok(Some(Content {
            id: "metric-learning",
            heading: "Metric learning",
            body,
            figures,
        }))
    }
}

impl MetricLearning {
    fn words(&self) -> String {
        let first = "A network of its own learned a space in which pictures lie near those of their class and far from others";
        let held_out = self.held_out();
        let Some(epoch) = self.last_epoch() else {
            return format!("{first}; it was not trained.");
        };
        let of = |classes| {
            let score = self.score(epoch, Subset::Validation, classes, "sphere", "silhouette");
            value(score.and_then(|row| row.value))
        };
        let learned = of("learned");
        match held_out.as_slice() {
            [] => format!(
                "{first}. It saw every class: with `arrange.held_out` it can be evaluated on classes that it never saw. After {}, the \
             silhouette of the validation images is {learned}. Distances are taken between directions, on the unit sphere.",
                epochs(epoch)
            ),
            _ => format!(
                "{first}, and never saw {}. If it had learned what makes a style, and not those styles alone, the held-out \
             classes would part as well. After {}, the silhouette of the validation images is {learned} for learned classes \
             and {} for those held out. Distances are taken between directions, on the unit sphere.",
                list(&held_out),
                epochs(epoch),
                of("held-out")
            ),
        }
    }

    /// The classes that were not learned.
    fn held_out(&self) -> Vec<String> {
        let rows = self.arrangement.iter().filter(|row| !row.learned);
        let classes: BTreeSet<&String> = rows.map(|row| &row.label).collect();
        classes.into_iter().cloned().collect()
    }

    fn last_epoch(&self) -> Option<u32> {
        self.arrangement_scores.iter().map(|row| row.epoch).max()
    }

    fn score<'a>(
        &'a self,
        epoch: u32,
        subset: Subset,
        classes: &str,
        space: &str,
        metric: &str,
    ) -> Option<&'a ArrangementScore> {
        let wanted = (epoch, subset, [classes, space, metric]);
        let mut rows = self.arrangement_scores.iter();
        rows.find(|row| {
            let names = [&row.classes, &row.space, &row.metric];
            (row.epoch, row.subset, names.map(String::as_str)) == wanted
        })
    }

    /// `(epoch, value)` where it is defined, on the sphere.
    fn curve(&self, subset: Subset, classes: &str, metric: &str) -> Vec<(f64, f64)> {
        let wanted = (subset, [classes, "sphere", metric]);
        let rows = self.arrangement_scores.iter().filter(|row| {
            let names = [&row.classes, &row.space, &row.metric];
            (row.subset, names.map(String::as_str)) == wanted
        });
        let defined =
            rows.filter_map(|row| Some((row.epoch, row.value.filter(|v| v.is_finite())?)));
        defined
            .map(|(epoch, value)| (f64::from(epoch), value))
            .collect()
    }

    fn panel(&self, (metric, name, look): (&str, &str, &str)) -> Figure {
        let curves: Vec<_> = CLASSES
            .into_iter()
            .flat_map(|(classes, _, stroke)| {
                [(Subset::Train, " faint"), (Subset::Validation, "")].map(|(subset, look)| {
                    let class = format!("{stroke}{look}");
                    (class, self.curve(subset, classes, metric))
                })
            })
            .collect();
        let points = || curves.iter().flat_map(|(_, points)| points);
        let last = points().map(|(epoch, _)| *epoch).fold(1.0, f64::max);
        let low = points().map(|(_, value)| *value).fold(0.0, f64::min);
        let high = match metric {
            "davies_bouldin" => points().map(|(_, value)| *value * 1.05).fold(1.0, f64::max),
            _ => 1.0,
        };
        let margins = Margins {
            left: 36.0,
            right: 12.0,
            top: 40.0,
            bottom: 38.0,
        };
        let mut plot = Plot::new((400.0, 250.0), margins, (0.0, last), (low, high));
        plot.draw_y_axis();
        plot.draw_x_axis("epoch", 1.0, false);
        for (class, points) in &curves {
            let places: Vec<_> = points.iter().map(|point| plot.at(*point)).collect();
            match places.as_slice() {
                // A line needs two points: one epoch is a dot.
                [only] => {
                    let class = format!("{class} points subset-validation");
                    plot.canvas.dots(&class, &[*only], name);
                }
                places => plot.canvas.polyline(class, places),
            }
        }
        let drawn = if self.held_out().is_empty() {
            1
        } else {
            CLASSES.len()
        };
        plot.draw_legend(&CLASSES.map(|(_, name, stroke)| (stroke, name))[..drawn]);
        Figure {
            name: format!("metric-{}", metric.replace('_', "-")),
            title: format!("{name} by epoch"),
            caption: format!(
                "{look} Strong: validation images; faint: training images, those of learned classes as they were trained on, augmented and \
             while the weights moved."
            ),
            canvas: plot.canvas,
        }
    }

    /// All figures of the last epoch.
    fn last(&self) -> Markup {
        let Some(epoch) = self.last_epoch() else {
            return html! {};
        };
        let head = html! {
            tr {
                th scope="col" { "pictures" } th scope="col" { "classes" } th scope="col" { "number" } th scope="col" { "space" }
                @for (_, name, _) in METRICS { th scope="col" { (name) } }
            }
        };
        let is_in = |row: &&Arrangement, subset: Subset, classes: &str| {
            row.subset == subset && row.learned == (classes == "learned")
        };
        let groups = Subset::OF_SPLIT
            .into_iter()
            .flat_map(|subset| CLASSES.map(|(classes, name, _)| (subset, classes, name)));
        let body = html! {
            @for (subset, classes, classes_name) in groups {
                @let n = self.arrangement.iter().filter(|row| is_in(row, subset, classes)).count();
                @if n > 0 {
                    @for space in ["native", "sphere"] {
                        tr {
                            th scope="row" { (subset_name(subset)) }
                            td { (classes_name) }
                            td { (count(n)) }
                            td { (space) }
                            @for (metric, ..) in METRICS {
                                @let score = self.score(epoch, subset, classes, space, metric);
                                td { (value(score.and_then(|row| row.value))) }
                            }
                        }
                    }
                }
            }
        };
        let caption = format!(
            "The last epoch, {epoch}: distances between embeddings as they are (native) and between their directions (sphere)"
        );
        table(&caption, &head, &body)
    }

    /// The last epoch's pictures in native space and on the sphere, where the space has three dimensions.
    fn spaces(&self, sample: &Sample<'_>) -> Option<[Space; 2]> {
        let classes = self.annotations.class_indices();
        let rows = sample.dots(&self.arrangement, |row| &row.path);
        let names: Vec<String> = rows.iter().map(|row| name(row)).collect();
        let stars: Option<Vec<Star<'_>>> = rows
            .into_iter()
            .zip(&names)
            .map(|(row, name)| {
                Some(Star {
                    at: row.embedding.as_slice().try_into().ok()?,
                    number: classes.of(&row.label),
                    name,
                    subset: row.subset,
                    path: &row.path,
                })
            })
            .collect();
        let stars = stars?;
        let has_held_out = !self.held_out().is_empty();
        let native = Space::draw(
            "metric-native",
            "The learned space",
            &format!(
                "Each class should be a ray from the origin: its direction is what the network learned, and its length is how \
             sure it is. {}Training images are faint.",
                if has_held_out {
                    "Look for where held-out classes go: along others' rays, or ways of their own. "
                } else {
                    ""
                }
            ),
            Ground::Axes,
            &stars,
        );
        let sphere = Space::draw(
            "metric-sphere",
            "The learned directions",
            &format!(
                "Look for spots of one color{}. Training images are faint.",
                if has_held_out {
                    ", and for what held-out classes lie among: these are the classes that the network takes them for"
                } else {
                    ""
                }
            ),
            Ground::Sphere,
            &stars,
        );
        Some([native, sphere])
    }
}

fn epochs(last: u32) -> String {
    counted(last as usize + 1, "epoch")
}

fn name(row: &Arrangement) -> String {
    if row.learned {
        row.label.clone()
    } else {
        format!("{} (held out)", row.label)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::fixture::{occurrences, report, study};

    #[test]
    fn the_learned_space_is_drawn_where_it_has_three_dimensions() {
        let mut study = study();
        let text = report(&study).page;
        assert!(
            text.contains("never saw photo."),
            "held-out classes are named"
        );
        assert!(
            text.contains("the silhouette of the validation images is 0.625 for learned classes")
        );
        assert_eq!(occurrences(&text, "id=\"figure-metric-sphere\""), 1);
        assert!(text.contains("photo (held out)"));
        study.edit("arrangement", |rows: &mut Vec<Arrangement>| {
            for row in rows {
                row.embedding.push(0.0);
            }
        });
        let text = report(&study).page;
        assert_eq!(occurrences(&text, "id=\"figure-metric-sphere\""), 0);
        assert!(text.contains("Only a space of three dimensions can be drawn."));
    }

    #[test]
    fn without_held_out_classes_none_are_spoken_of() {
        let mut study = study();
        study.edit("arrangement", |rows: &mut Vec<Arrangement>| {
            rows.iter_mut().for_each(|row| row.learned = true)
        });
        study.edit("arrangement_scores", |rows: &mut Vec<ArrangementScore>| {
            rows.retain(|row| row.classes == "learned")
        });
        let page = report(&study).page;
        assert!(page.contains("It saw every class"));
        assert!(!page.contains("held-out classes") && !page.contains(">held out<"));
    }
}
