//! How the embedding took shape: the same map, epoch after epoch.

use std::collections::BTreeSet;

use maud::{Markup, html};
use tables::choice::Choice;
use tables::epoch_place::EpochPlace;
use tables::map_quality::MapQuality;
use tables::subset::Subset;

use crate::ReportError;
use crate::draw::figure::{Figure, multiples};
use crate::draw::format::{count, counted, list, subset_name, value};
use crate::draw::palette::N_SERIES;
use crate::draw::scatter::{Area, Placement, Scatter};
use crate::draw::svg::{Canvas, Point};
use crate::page::annotations::{Annotations, ClassIndices};
use crate::page::section::{Content, Context, Section};
use crate::page::tables::{One, Rows, reads};

/// Width and height of a panel, and the room for its heading.
const PANEL: Point = (200.0, 190.0);
const HEADING: f64 = 18.0;

/// Room for dots at the panel's edge.
const EDGE: f64 = 12.0;

/// The panels of an epoch, from above.
const SUBSETS: [Subset; 2] = [Subset::Train, Subset::Validation];

reads! {
    /// Tables of the section.
    pub(crate) struct EmbeddingEvolution {
        annotations: Annotations,
        choice: One<Choice>,
        evolution: Rows<EpochPlace>,
        evolution_quality: Rows<MapQuality>,
    }
}

impl Section for EmbeddingEvolution {
    fn draw(&self, _: &Context<'_>) -> Result<Option<Content>, ReportError> {
        let shown: Vec<&EpochPlace> = self.evolution.iter().filter(|row| is_shown(row)).collect();
        let epochs: BTreeSet<u32> = shown.iter().map(|row| row.epoch).collect();
        let area = Area {
            corner: (0.0, HEADING),
            size: PANEL,
        };
        // One for all epochs and subsets, so that all panels have the same axes.
        let placement = Placement::fit(area, EDGE, shown.iter().map(|row| point(row)));
        let figures: Vec<Figure> = epochs
            .iter()
            .map(|&epoch| self.figure(epoch, &shown, placement))
            .collect();
        let body = html! {
            p {
                "One map was fitted to the embeddings of the training pictures in epoch " (self.choice.epoch) ", the chosen one; "
                "the pictures of " (self.others(&epochs)) " were placed on it by their nearest neighbors there. "
                "The same place means the same in every column. Embeddings of other epochs have other scales and directions, "
                "however, so a place of theirs says which of the chosen epoch's groups a picture resembles most, and the distances "
                "between groups say nothing."
                (self.sampled(&shown))
            }
            @if figures.is_empty() { p.note { "There are no places to show." } } @else {
                (self.legend())
                (multiples(&figures))
                p.note {
                    "Look for names that part from column to column: these classes the network learned to tell apart. A group that stands "
                    "apart among the training images, above, and not among the validation images, below, is learned by heart. "
                    "Trustworthiness is how far neighbors on the map are neighbors in the epoch's embedding too: 1 if all are, about one "
                    "half by chance."
                }
            }
        };
        Ok(Some(Content {
            id: "evolution",
            heading: "Evolution of the embedding",
            body,
            figures,
        }))
    }
}

impl EmbeddingEvolution {
    /// The classes' colors: names at the centers are small, and lie on each other in early epochs.
    fn legend(&self) -> Markup {
        html! {
            div.names {
                @for (number, label) in self.annotations.labels().names().iter().enumerate() {
                    @let square = if (number / N_SERIES).is_multiple_of(2) { "" } else { "square" };
                    span { i class=(square) style={ "background:var(--series-" (number % N_SERIES) ")" } {} (label) }
                }
            }
        }
    }

    /// A sentence on how many images are shown, where the collection is too large for all.
    fn sampled(&self, shown: &[&EpochPlace]) -> String {
        let of_chosen = self.evolution.iter();
        let n = of_chosen
            .filter(|row| row.epoch == self.choice.epoch)
            .count();
        if shown.is_empty() || n >= self.annotations.len() {
            return String::new();
        }
        format!(
            " Shown are {} of the {}, drawn by chance, and trustworthiness is theirs.",
            count(n),
            counted(self.annotations.len(), "image")
        )
    }

    /// The other pictures, in words.
    fn others(&self, epochs: &BTreeSet<u32>) -> String {
        let others: Vec<String> = epochs
            .iter()
            .filter(|epoch| **epoch != self.choice.epoch)
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

    fn figure(&self, epoch: u32, shown: &[&EpochPlace], placement: Placement) -> Figure {
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
        let chosen = if epoch == self.choice.epoch {
            ", chosen"
        } else {
            ""
        };
        Figure {
            name: format!("evolution-{epoch}"),
            title: format!("Epoch {epoch}{chosen}"),
            caption: self.trust(epoch),
            canvas,
        }
    }

    /// How far the epoch's places can be trusted, in words.
    fn trust(&self, epoch: u32) -> String {
        let of_subset = SUBSETS.map(|subset| {
            let mut rows = self.evolution_quality.iter();
            let row = rows.find(|row| row.epoch == epoch && row.subset == subset);
            let value = value(row.and_then(|row| row.trustworthiness));
            format!("{} {value}", subset_name(subset))
        });
        format!("Trustworthiness: {}.", of_subset.join(", "))
    }
}

fn is_shown(row: &EpochPlace) -> bool {
    SUBSETS.contains(&row.subset) && row.x.is_finite() && row.y.is_finite()
}

fn point(row: &EpochPlace) -> Point {
    (f64::from(row.x), f64::from(row.y))
}

fn draw_panel<'a>(
    canvas: &mut Canvas,
    classes: &ClassIndices,
    rows: impl Iterator<Item = &'a EpochPlace>,
    placement: Placement,
) {
    let area = placement.area();
    canvas.rect("panel", area.corner, area.size, 1.0);
    let mut scatter = Scatter::new(area);
    for row in rows {
        scatter.add(
            classes.of(&row.label),
            &row.label,
            row.subset,
            placement.at(point(row)),
        );
    }
    scatter.draw_dots(canvas, "small-dots");
    scatter.draw_names(canvas, "small", 9.0 / 11.0);
}
