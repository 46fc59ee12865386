// Filters the table of images by text. Adds thumbnails to its rows: copies of the images that the page shows elsewhere,
// and the tiles of other images. Without scripts the table has all rows, and text alone.
(() => {
  "use strict";
  const section = document.querySelector("#images"), filter = section?.querySelector(".filter");
  if (!filter) return;
  const input = filter.querySelector("input"), count = filter.querySelector("output");
  const rows = [...section.querySelector("tbody").rows].map((row) => [row, row.textContent.toLowerCase()]);

  const show = () => {
    const words = input.value.toLowerCase().split(/\s+/);
    let shown = 0;
    for (const [row, text] of rows) {
      row.hidden = !words.every((word) => text.includes(word));
      if (!row.hidden) shown += 1;
    }
    const shares = `${shown.toLocaleString("en")} of ${rows.length.toLocaleString("en")}`;
    count.textContent = shown ? shares : `${shares}: no row has all of these words.`;
  };

  input.addEventListener("input", show);
  // A link to a row that the filter hides shows all rows again.
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href^='#']");
    const row = link && document.getElementById(link.hash.slice(1));
    if (!row?.hidden) return;
    input.value = "";
    show();
  });
  const tiles = section.querySelector("img.tiles");
  if (tiles) {
    const columns = Number(tiles.dataset.columns);
    // One rule, so that the long address is parsed once.
    const style = document.createElement("style");
    style.textContent = `.images .tile{background-image:url("${tiles.src}");background-size:${2.5 * columns}rem auto}`;
    document.head.append(style);
    for (const [row] of rows) {
      if (!row.dataset.tile) continue;
      const number = Number(row.dataset.tile), tile = document.createElement("i");
      tile.className = "tile";
      tile.style.backgroundPosition = `${-2.5 * (number % columns)}rem ${-2.5 * Math.floor(number / columns)}rem`;
      row.cells[0].prepend(tile);
      row.parentElement.className = "pictured";
    }
  }
  for (const link of document.querySelectorAll("a[href^='#p']")) {
    const image = link.querySelector("img"), cell = document.getElementById(link.hash.slice(1))?.cells[0];
    if (!image || !cell || cell.querySelector("img")) continue;
    const copy = image.cloneNode();
    copy.alt = "";
    cell.prepend(copy);
    cell.closest("tbody").className = "pictured";
  }
  filter.hidden = false;
  show();
})();
