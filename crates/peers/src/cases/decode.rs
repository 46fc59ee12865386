//! Images decoded and resized.

use serde_json::json;

use crate::answer::Measurement;
use crate::case::{Case, Peer, Work};
use crate::decoded::{SIDE_PX, decode};
use crate::workbench::{Workbench, text};

/// All images of a folder, from its files to pixels of the training's size in one file.
///
/// The same: files, their order, the size of the short side, bilinear interpolation with antialiasing, threads.
/// Different: ours keeps of the long side what rotations can bring into the crop, reads orientations, hashes each file,
/// and makes thumbnails, as stage `decode`; Pillow and torchvision keep the center crop.
pub(crate) const CASE: Case = Case {
    name: "decode",
    peers: &[Peer {
        name: "Pillow, torchvision",
        function: "decode",
        goal: 0.3,
    }],
    quality: None,
    by_name_only: false,
    prepare,
};

fn prepare(bench: &Workbench) -> anyhow::Result<Vec<Work>> {
    let collection = bench.collection()?;
    let (folder, paths) = (collection.folder.clone(), collection.decoded.paths.clone());
    let out = bench.path("decoded again");
    let request = json!({
        "folder": text(&folder)?,
        "paths": &paths,
        "resize_px": images::Geometry::new(SIDE_PX)?.resize_px(),
        "side_px": SIDE_PX,
        "out": text(&bench.path("decoded by Pillow"))?,
    });
    Ok(vec![Work {
        size: format!("{} images to {SIDE_PX} px", paths.len()),
        request,
        ours: Box::new(move || Ok(Measurement::of(|| decode(&folder, &paths, &out))?.0)),
        warm_up: true,
    }])
}
