//! Metric learning: embeddings that separate classes, and their quality for held-out classes.

use std::collections::BTreeSet;

use maud::{Markup, html};
use table_metric_embeddings::MetricEmbedding;
use table_metric_learning_scores::MetricLearningScore;
use tables::Subset;

use crate::ReportError;
use crate::draw::figure::{Figure, row};
use crate::draw::format::{count, counted, list, percent, subset_name, value};
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
        "Share of images whose nearest image is of the same class. Dotted: random embeddings, which have the more the fewer classes there are.",
    ),
    (
        "map_at_r",
        "MAP@R",
        "Mean average precision at R: ranks of the images of the same class among the R nearest, where R is the number of images of the class. Dotted: random embeddings.",
    ),
];

/// Groups of classes: name in the table, name in the report, color.
const CLASSES: [(&str, &str, &str); 2] = [
    ("learned", "learned", "curve stroke-0"),
    ("held-out", "held out", "curve stroke-1"),
];

/// Number of images below which a score supports no conclusion: one image changes a share by over 3 %.
const FEW: u32 = 30;

/// Distance of two lines whose names would overlap.
const SAME_LINE: f64 = 0.05;

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
        let few = self.few_images();
        let body = html! {
            p { (self.introduction()) }
            @if !few.is_empty() {
                p.note { "Few images: " (list(&few)) ". A single image changes such a score by more than " (percent(1.0 / f64::from(FEW))) "; it supports no conclusion." }
            }
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
        let of = |classes: &str| {
            let score =
                |metric| self.score(epoch, Subset::Validation, classes, "normalized", metric);
            let (silhouette, recall) = (score("silhouette"), score("recall_at_1"));
            let mut text = value(silhouette.and_then(|row| row.value));
            if let Some(recall) = recall {
                let chance = recall
                    .chance
                    .map(|chance| format!(", by chance {chance:.3}"));
                text.push_str(&format!(
                    " and the recall at 1 is {}{} ({} of {})",
                    value(recall.value),
                    chance.unwrap_or_default(),
                    counted(recall.images as usize, "image"),
                    classes_text(recall.n_classes)
                ));
            }
            text
        };
        let after = epochs(epoch);
        let learned = of("learned");
        match held_out.as_slice() {
            [] => format!(
                "{first}. It was trained on every class; `metric-learning.held_out` holds classes out for evaluation. After {after}, \
                 the silhouette of the validation images is {learned}. Distances are taken between normalized embeddings."
            ),
            _ => format!(
                "{first}, and was not trained on {}. Separation of these held-out classes measures how far the embedding \
                 generalizes to new classes. After {after}, the silhouette of the validation images of learned classes is {learned}; \
                 of held-out classes, the silhouette is {}. Fewer classes are easier to separate, so that the two are to be compared \
                 with chance, not with each other. Distances are taken between normalized embeddings.",
                list(&held_out),
                of("held-out")
            ),
        }
    }

    /// Groups of images too few for a conclusion, with their numbers; empty where there are none.
    fn few_images(&self) -> Vec<String> {
        let Some(epoch) = self.last_epoch() else {
            return Vec::new();
        };
        let subsets = [Subset::Validation, Subset::Test].into_iter();
        let groups =
            subsets.flat_map(|subset| CLASSES.map(|(classes, name, _)| (subset, classes, name)));
        let few = groups.filter_map(|(subset, classes, name)| {
            let row = self.score(epoch, subset, classes, "normalized", "recall_at_1")?;
            let images = counted(row.images as usize, "image");
            (row.images < FEW).then(|| format!("{images} of {name} classes ({})", subset.name()))
        });
        few.collect()
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
            left: 50.0,
            right: 12.0,
            top: 40.0,
            bottom: 38.0,
        };
        let mut plot = Plot::new((400.0, 250.0), margins, (0.0, last), (low, high));
        plot.draw_y_axis();
        plot.name_y_axis(name);
        plot.draw_x_axis("epoch", 1.0, false);
        for (value, name) in self.chances(metric) {
            plot.mark_y(value, &name);
        }
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

    /// Values of random embeddings of the validation images, with names; equal ones are one.
    fn chances(&self, metric: &str) -> Vec<(f64, String)> {
        let Some(epoch) = self.last_epoch() else {
            return Vec::new();
        };
        let mut chances: Vec<(f64, String)> = Vec::new();
        for (classes, name, _) in CLASSES {
            let row = self.score(epoch, Subset::Validation, classes, "normalized", metric);
            let Some(chance) = row.and_then(|row| row.chance) else {
                continue;
            };
            match chances.last_mut() {
                Some((other, text)) if (*other - chance).abs() < SAME_LINE => {
                    text.push_str(&format!(" and {name}"));
                }
                _ => chances.push((chance, format!("chance, {name}"))),
            }
        }
        chances
    }

    /// All metrics of the last epoch.
    fn last(&self) -> Markup {
        let Some(epoch) = self.last_epoch() else {
            return html! {};
        };
        let head = html! {
            tr {
                th scope="col" { "subset" } th scope="col" { "classes" } th scope="col" { "images" } th scope="col" { "embedding" }
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
                                td {
                                    (value(score.and_then(|row| row.value)))
                                    @if let Some(chance) = score.and_then(|row| row.chance) { " " small { "(chance " (value(Some(chance))) ")" } }
                                }
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

fn classes_text(n: u32) -> String {
    match n {
        1 => "1 class".to_owned(),
        n => format!("{n} classes"),
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
            text.contains(
                "the silhouette of the validation images of learned classes is 0.625 and the recall at 1 is 0.625, by chance 0.250 (8 \
                 images of 1 class); of held-out classes, the silhouette is –."
            )
        );
        assert!(text.contains("Few images: 8 images of learned classes (validation) and 8 images of learned classes (test)."));
        assert!(text.contains("0.625 <small>(chance 0.250)</small>"));
        assert_eq!(occurrences(&text, ">chance, learned<"), 2);
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
