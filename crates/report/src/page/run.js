// Shows the facts of the run from `run.js` beside the page, where that file is.
(() => {
  "use strict";
  const place = document.querySelector("#run");
  if (!place) return;
  const script = document.createElement("script");
  script.src = "run.js";
  script.addEventListener("load", () => {
    const facts = Object.entries(window.run ?? {});
    if (!facts.length) return;
    const list = document.createElement("dl");
    list.className = "settings";
    for (const [name, value] of facts) {
      const row = document.createElement("div");
      for (const [tag, text] of [["dt", name], ["dd", value]]) {
        const cell = document.createElement(tag);
        cell.textContent = text;
        row.append(cell);
      }
      list.append(row);
    }
    place.replaceWith(list);
  });
  document.head.append(script);
})();
