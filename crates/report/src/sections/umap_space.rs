//! The map of the embeddings in space.

use maud::html;

use crate::draw::space::{Ground, Space, Star};
use crate::page::sample::Shown;
use crate::page::section::Section;
use crate::page::tables::Study;

/// The section.
pub(crate) fn section(study: &Study, shown: &Shown<'_>) -> Section {
    let codes = study.codes();
    let stars: Vec<Star<'_>> = shown
        .dots(&study.clusters, |row| &row.path)
        .into_iter()
        .map(|row| Star {
            at: [row.umap3_x, row.umap3_y, row.umap3_z],
            number: codes.of(&row.label),
            name: &row.label,
            subset: row.subset,
            path: &row.path,
        })
        .collect();
    let space = Space::draw(
        "map-space",
        "The map in space by true class",
        "Look for classes that overlap from one side and part from another: they are neighbors, not mixtures. Training \
         images are faint.",
        Ground::Box,
        &stars,
    );
    let body = html! {
        p {
            "A third dimension leaves the map more room, so that fewer groups are torn or pressed together than in the plane. "
            "As there, neighbors stay neighbors, and axes and far distances mean nothing."
            @if let Some(words) = shown.words() { (words) }
        }
        (space.markup())
    };
    Section {
        id: "space",
        title: "The map in space",
        body,
        figures: vec![space.figure],
    }
}
