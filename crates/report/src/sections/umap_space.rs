//! UMAP of the embeddings in three dimensions.

use maud::html;
use table_clusters::Cluster;

use crate::ReportError;
use crate::draw::space::{Frame, Marker, Space};
use crate::page::annotations::Annotations;
use crate::page::section::{Content, Context, Section};
use crate::page::tables::{Rows, reads};

reads! {
    /// Tables of the section.
    pub(crate) struct UmapInSpace {
        annotations: Annotations,
        clusters: Rows<Cluster>,
    }
}

impl Section for UmapInSpace {
    fn draw(&self, context: &Context<'_>) -> Result<Option<Content>, ReportError> {
        let classes = self.annotations.class_indices();
        let markers: Vec<Marker<'_>> = context
            .sample
            .dots(&self.clusters, |row| &row.path)
            .into_iter()
            .map(|row| Marker {
                at: [row.umap3_x, row.umap3_y, row.umap3_z],
                number: classes.of(&row.label),
                name: &row.label,
                subset: row.subset,
                path: &row.path,
            })
            .collect();
        let space = Space::draw(
            "umap-space",
            "UMAP in three dimensions by true class",
            "Classes that overlap from one side and are separate from another are neighbors and not mixed.",
            Frame::Box,
            &markers,
        );
        let body = html! {
            p {
                "With a third dimension, fewer groups are torn or pressed together than in the plane. As there, neighborhoods are "
                "preserved, and axes and far distances have no meaning."
                @if let Some(note) = context.sample.note() { (note) }
            }
            (space.markup())
        };
        Ok(Some(Content {
            id: "umap-space",
            heading: "UMAP in three dimensions",
            body,
            figures: vec![space.figure],
        }))
    }
}
