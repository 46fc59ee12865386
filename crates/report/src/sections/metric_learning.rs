//! Metric learning: embeddings that separate classes, and their quality for held-out classes.

use std::collections::BTreeSet;

use maud::{Markup, html};
use table_metric_embeddings::MetricEmbedding;
use table_metric_learning_scores::MetricLearningScore;
use tables::Subset;

use crate::ReportError;
use crate::draw::figure::{Figure, row};
use crate::draw::format::{count, counted, list, subset_name, value};
use crate::draw::plot::{Margins, Plot};
use crate::draw::space::{Frame, Marker, Space};
use crate::draw::table::table;
use crate::page::annotations::Annotations;
use crate::page::sample::Sample;
use crate::page::section::{Content, Context, Section};
use crate::page::tables::{LastGroup, Rows, reads};

/// Metrics: name in the table, name in the report, range and meaning.
const METRICS: [(&str, &str, &str); 4] = [
    (
        "silhouette",
        "Silhouette",
        "From −1 to 1; higher is better. Above 0, an image is nearer to its own class than to the next.",
    ),
    (
        "davies_bouldin",
        "Davies-Bouldin index",
        "At least 0; lower is better: widths of the classes relative to the distances between them.",
    ),
    (
        "recall_at_1",
        "Recall at 1",
        "Share of images whose nearest image is of the same class.",
    ),
    (
        "map_at_r",
        "MAP@R",
        "Mean average precision at R: ranks of the images of the same class among the R nearest, where R is the number of images of the class.",
    ),
];

/// Groups of classes: name in the table, name in the report, color.
const CLASSES: [(&str, &str, &str); 2] = [
    ("learned", "learned", "curve stroke-0"),
    ("held-out", "held out", "curve stroke-1"),
];

reads! {
    /// Tables of the section.
    pub(crate) struct MetricLearning {
        annotations: Annotations,
        metric_embeddings: LastGroup<MetricEmbedding>,
        metric_learning_scores: Rows<MetricLearningScore>,
    }
}

impl Section for MetricLearning {
    fn draw(&self, context: &Context<'_>) -> Result<Option<Content>, ReportError> {
        let mut figures: Vec<Figure> = METRICS.map(|metric| self.panel(metric)).into();
        let curves = row(&figures);
        let spaces = self.spaces(context.sample);
        let has_held_out = !self.held_out().is_empty();
        let body = html! {
            p { (self.introduction()) }
            (curves)
            (self.last())
            @if let Some(spaces) = &spaces {
                (spaces[0].markup())
                p {
                    "The loss depends on directions alone; the same images follow on the unit sphere. Images of a class that was "
                    "learned should be close together and far from the others"
                    @if has_held_out { "; held-out classes spread where the embedding does not separate them" }
                    "."
                    @if let Some(note) = context.sample.note() { (note) }
                }
                (spaces[1].markup())
            } @else {
                p.note { "Only embeddings of three dimensions are drawn." }
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
    fn introduction(&self) -> String {
        let first = "A network of its own learned embeddings in which images are near those of their class and far from others";
        let held_out = self.held_out();
        let Some(epoch) = self.last_epoch() else {
            return format!("{first}; it was not trained.");
        };
        let of = |classes| {
            let score = self.score(
                epoch,
                Subset::Validation,
                classes,
                "normalized",
                "silhouette",
            );
            value(score.and_then(|row| row.value))
        };
        let learned = of("learned");
        match held_out.as_slice() {
            [] => format!(
                "{first}. It was trained on every class; `metric-learning.held_out` holds classes out for evaluation. After {}, \
             the silhouette of the validation images is {learned}. Distances are taken between normalized embeddings.",
                epochs(epoch)
            ),
            _ => format!(
                "{first}, and was not trained on {}. Separation of these held-out classes measures how far the embedding \
             generalizes to new classes. After {}, the silhouette of the validation images is {learned} for learned classes \
             and {} for those held out. Distances are taken between normalized embeddings.",
                list(&held_out),
                epochs(epoch),
                of("held-out")
            ),
        }
    }

    /// The held-out classes.
    fn held_out(&self) -> Vec<String> {
        let rows = self.metric_embeddings.iter().filter(|row| !row.learned);
        let classes: BTreeSet<&String> = rows.map(|row| &row.label).collect();
        classes.into_iter().cloned().collect()
    }

    fn last_epoch(&self) -> Option<u32> {
        self.metric_learning_scores
            .iter()
            .map(|row| row.epoch)
            .max()
    }

    fn score<'a>(
        &'a self,
        epoch: u32,
        subset: Subset,
        classes: &str,
        embedding: &str,
        metric: &str,
    ) -> Option<&'a MetricLearningScore> {
        let wanted = (epoch, subset, [classes, embedding, metric]);
        let mut rows = self.metric_learning_scores.iter();
        rows.find(|row| {
            let names = [&row.classes, &row.embedding, &row.metric];
            (row.epoch, row.subset, names.map(String::as_str)) == wanted
        })
    }

    /// `(epoch, value)` of normalized embeddings, where defined.
    fn curve(&self, subset: Subset, classes: &str, metric: &str) -> Vec<(f64, f64)> {
        let wanted = (subset, [classes, "normalized", metric]);
        let rows = self.metric_learning_scores.iter().filter(|row| {
            let names = [&row.classes, &row.embedding, &row.metric];
            (row.subset, names.map(String::as_str)) == wanted
        });
        let defined =
            rows.filter_map(|row| Some((row.epoch, row.value.filter(|v| v.is_finite())?)));
        defined
            .map(|(epoch, value)| (f64::from(epoch), value))
            .collect()
    }

    fn panel(&self, (metric, name, meaning): (&str, &str, &str)) -> Figure {
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
                "{meaning} Strong: validation images; faint: training images, those of learned classes from the training pass, augmented and \
             while the weights changed."
            ),
            canvas: plot.canvas,
        }
    }

    /// All metrics of the last epoch.
    fn last(&self) -> Markup {
        let Some(epoch) = self.last_epoch() else {
            return html! {};
        };
        let head = html! {
            tr {
                th scope="col" { "images" } th scope="col" { "classes" } th scope="col" { "number" } th scope="col" { "embedding" }
                @for (_, name, _) in METRICS { th scope="col" { (name) } }
            }
        };
        let is_in = |row: &&MetricEmbedding, subset: Subset, classes: &str| {
            row.subset == subset && row.learned == (classes == "learned")
        };
        let groups = Subset::OF_SPLIT
            .into_iter()
            .flat_map(|subset| CLASSES.map(|(classes, name, _)| (subset, classes, name)));
        let body = html! {
            @for (subset, classes, classes_name) in groups {
                @let n = self.metric_embeddings.iter().filter(|row| is_in(row, subset, classes)).count();
                @if n > 0 {
                    @for embedding in ["raw", "normalized"] {
                        tr {
                            th scope="row" { (subset_name(subset)) }
                            td { (classes_name) }
                            td { (count(n)) }
                            td { (embedding) }
                            @for (metric, ..) in METRICS {
                                @let score = self.score(epoch, subset, classes, embedding, metric);
                                td { (value(score.and_then(|row| row.value))) }
                            }
                        }
                    }
                }
            }
        };
        let caption = format!(
            "The last epoch, {epoch}: distances between raw and between normalized embeddings"
        );
        table(&caption, &head, &body)
    }

    /// Raw and normalized embeddings of the last epoch, if they have three dimensions.
    fn spaces(&self, sample: &Sample<'_>) -> Option<[Space; 2]> {
        let classes = self.annotations.class_indices();
        let rows = sample.dots(&self.metric_embeddings, |row| &row.path);
        let names: Vec<String> = rows.iter().map(|row| name(row)).collect();
        let markers: Option<Vec<Marker<'_>>> = rows
            .into_iter()
            .zip(&names)
            .map(|(row, name)| {
                Some(Marker {
                    at: row.embedding.as_slice().try_into().ok()?,
                    number: classes.of(&row.label),
                    name,
                    subset: row.subset,
                    path: &row.path,
                })
            })
            .collect();
        let markers = markers?;
        let has_held_out = !self.held_out().is_empty();
        let raw = Space::draw(
            "metric-raw",
            "Raw embeddings of metric learning",
            &format!(
                "Images of a class should be on a ray from the origin: the direction stands for the class, and the length for the \
             confidence. {}Marks of training images are hollow.",
                if has_held_out {
                    "Held-out classes are on the rays of other classes, or on separate ones. "
                } else {
                    ""
                }
            ),
            Frame::Axes,
            &markers,
        );
        let normalized = Space::draw(
            "metric-normalized",
            "Normalized embeddings of metric learning",
            &format!(
                "Tight groups of one color are well separated classes{}. Marks of training images are hollow.",
                if has_held_out {
                    "; held-out classes are among the classes that the network confuses them with"
                } else {
                    ""
                }
            ),
            Frame::Sphere,
            &markers,
        );
        Some([raw, normalized])
    }
}

fn epochs(last: u32) -> String {
    counted(last as usize + 1, "epoch")
}

fn name(row: &MetricEmbedding) -> String {
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
    fn embeddings_of_three_dimensions_are_drawn() {
        let mut study = study();
        let text = report(&study).page;
        assert!(
            text.contains("was not trained on photo."),
            "held-out classes are named"
        );
        assert!(
            text.contains("the silhouette of the validation images is 0.625 for learned classes")
        );
        assert_eq!(occurrences(&text, "id=\"figure-metric-normalized\""), 1);
        assert!(text.contains("photo (held out)"));
        study.edit("metric_embeddings", |rows: &mut Vec<MetricEmbedding>| {
            for row in rows {
                row.embedding.push(0.0);
            }
        });
        let text = report(&study).page;
        assert_eq!(occurrences(&text, "id=\"figure-metric-normalized\""), 0);
        assert!(text.contains("Only embeddings of three dimensions are drawn."));
    }

    #[test]
    fn without_held_out_classes_none_are_mentioned() {
        let mut study = study();
        study.edit("metric_embeddings", |rows: &mut Vec<MetricEmbedding>| {
            rows.iter_mut().for_each(|row| row.learned = true)
        });
        study.edit(
            "metric_learning_scores",
            |rows: &mut Vec<MetricLearningScore>| rows.retain(|row| row.classes == "learned"),
        );
        let page = report(&study).page;
        assert!(page.contains("It was trained on every class"));
        assert!(!page.contains("held-out classes") && !page.contains(">held out<"));
    }
}
