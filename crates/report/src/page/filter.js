// Filters the table of images by text. Without scripts the table is whole.
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
  filter.hidden = false;
  show();
})();
