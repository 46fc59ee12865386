//! Evolution of the embedding: one UMAP projection over the epochs.

use std::collections::BTreeSet;

use maud::{Markup, html};
use table_embedding_evolution::EpochCoordinates;
use table_embedding_evolution_quality::EmbeddingEvolutionQuality;
use table_selection::Selection;
use tables::Subset;

use crate::ReportError;
use crate::draw::figure::{Figure, multiples};
use crate::draw::format::{count, counted, list, subset_name, value};
use crate::draw::marks::Style;
use crate::draw::palette::Palette;
use crate::draw::scatter::{Area, Placement, Scatter};
use crate::draw::svg::{Canvas, Point};
use crate::page::annotations::{Annotations, ClassIndices};
use crate::page::section::{Content, Context, Section};
use crate::page::tables::{One, Rows, reads};

/// Width and height of a panel, and height of its heading.
const PANEL: Point = (180.0, 170.0);
const HEADING: f64 = 18.0;

/// Room for dots at the panel's edge.
const EDGE: f64 = 9.0;

/// Panels of an epoch, top to bottom.
const SUBSETS: [Subset; 2] = [Subset::Train, Subset::Validation];

reads! {
    /// Tables of the section.
    pub(crate) struct EmbeddingEvolution {
        annotations: Annotations,
        selection: One<Selection>,
        embedding_evolution: Rows<EpochCoordinates>,
        embedding_evolution_quality: Rows<EmbeddingEvolutionQuality>,
    }
}

impl Section for EmbeddingEvolution {
    fn draw(&self, _: &Context<'_>) -> Result<Option<Content>, ReportError> {
        let shown: Vec<&EpochCoordinates> = self
            .embedding_evolution
            .iter()
            .filter(|row| is_shown(row))
            .collect();
        let epochs: BTreeSet<u32> = shown.iter().map(|row| row.epoch).collect();
        let area = Area {
            corner: (0.0, HEADING),
            size: PANEL,
        };
        // Shared by all epochs and subsets, so that all panels have the same axes.
        let placement = Placement::fit(area, EDGE, shown.iter().map(|row| point(row)));
        let figures: Vec<Figure> = epochs
            .iter()
            .map(|&epoch| self.figure(epoch, &shown, placement))
            .collect();
        let body = html! {
            p {
                "UMAP was fitted to the embeddings of the training images in epoch " (self.selection.epoch) ", the selected one; "
                "the images of " (self.others(&epochs)) " are projected by their nearest neighbors in it. "
                "Coordinates are the same in every column. Embeddings of other epochs have other scales and directions, "
                "however: the coordinates of an image show which group of the selected epoch it resembles most, and distances "
                "between groups have no meaning."
                (self.sampled(&shown))
            }
            p {
                "The two rows are not of one kind. Embeddings of training images are those of the training pass: of augmented images, "
                "under weights that changed during the epoch. Embeddings of validation images are those after the epoch, of images "
                "without augmentation. Compare panels along a row, and trustworthiness along a row."
            }
            @if figures.is_empty() { p.note { "There are no coordinates to show." } } @else {
                (self.legend())
                (multiples(&figures))
                p.note {
                    "Marks of one class that gather from left to right show that the network learned to distinguish the class. In other "
                    "epochs than the selected one, an image is always placed among groups of the selected epoch, however little it "
                    "resembles them. "
                    "Trustworthiness measures how far neighbors in the projection are neighbors in the epoch's embedding: 1 if all are, about one "
                    "half at random."
                }
            }
        };
        Ok(Some(Content {
            id: "embedding-evolution",
            heading: "Evolution of the embedding",
            body,
            figures,
        }))
    }
}

impl EmbeddingEvolution {
    /// Marks of the classes.
    fn legend(&self) -> Markup {
        html! {
            div.names {
                @for (number, label) in (0..).zip(self.annotations.labels().names()) {
                    span { (Style::of(Palette::Classes, number).swatch()) (label) }
                }
            }
        }
    }

    /// Sentence on the number of images shown, for a collection that is too large for all.
    fn sampled(&self, shown: &[&EpochCoordinates]) -> String {
        let of_selected = self.embedding_evolution.iter();
        let n = of_selected
            .filter(|row| row.epoch == self.selection.epoch)
            .count();
        if shown.is_empty() || n >= self.annotations.len() {
            return String::new();
        }
        format!(
            " Shown are {} of the {}, drawn at random, and trustworthiness is that of these.",
            count(n),
            counted(self.annotations.len(), "image")
        )
    }

    /// Text on the images to which UMAP was not fitted.
    fn others(&self, epochs: &BTreeSet<u32>) -> String {
        let others: Vec<String> = epochs
            .iter()
            .filter(|epoch| **epoch != self.selection.epoch)
            .map(u32::to_string)
            .collect();
        match others.len() {
            0 => "the validation fold".to_owned(),
            1 => format!("the validation fold, and those of epoch {},", others[0]),
            _ => format!(
                "the validation fold, and those of epochs {},",
                list(&others)
            ),
        }
    }

    fn figure(&self, epoch: u32, shown: &[&EpochCoordinates], placement: Placement) -> Figure {
        let mut canvas = Canvas::new((PANEL.0, 2.0 * (PANEL.1 + HEADING)));
        let mut top = 0.0;
        for subset in SUBSETS {
            let rows = shown
                .iter()
                .filter(|row| row.epoch == epoch && row.subset == subset);
            canvas.text("muted", (0.0, top + 11.0), subset_name(subset));
            draw_panel(
                &mut canvas,
                &self.annotations.class_indices(),
                rows.copied(),
                placement.moved((0.0, top + HEADING)),
            );
            top += PANEL.1 + HEADING;
        }
        let selected = if epoch == self.selection.epoch {
            ", selected"
        } else {
            ""
        };
        Figure {
            name: format!("embedding-evolution-{epoch}"),
            title: format!("Epoch {epoch}{selected}"),
            caption: self.trustworthiness(epoch),
            canvas,
        }
    }

    /// Caption of an epoch: the trustworthiness of its coordinates.
    fn trustworthiness(&self, epoch: u32) -> String {
        let of_subset = SUBSETS.map(|subset| {
            let mut rows = self.embedding_evolution_quality.iter();
            let row = rows.find(|row| row.epoch == epoch && row.subset == subset);
            let value = value(row.and_then(|row| row.trustworthiness));
            format!("{} {value}", subset_name(subset))
        });
        format!("Trustworthiness: {}.", of_subset.join(", "))
    }
}

fn is_shown(row: &EpochCoordinates) -> bool {
    SUBSETS.contains(&row.subset) && row.x.is_finite() && row.y.is_finite()
}

fn point(row: &EpochCoordinates) -> Point {
    (f64::from(row.x), f64::from(row.y))
}

fn draw_panel<'a>(
    canvas: &mut Canvas,
    classes: &ClassIndices,
    rows: impl Iterator<Item = &'a EpochCoordinates>,
    placement: Placement,
) {
    let area = placement.area();
    canvas.rect("panel", area.corner, area.size, 1.0);
    let mut scatter = Scatter::new(Palette::Classes);
    for row in rows {
        scatter.add(
            classes.of(&row.label),
            &row.label,
            row.subset,
            placement.at(point(row)),
        );
    }
    scatter.draw(canvas);
}
