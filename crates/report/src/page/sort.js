// Tables are sorted by the heads of their columns. Without scripts they keep the order of the page.
(() => {
  "use strict";
  // A number at the start of a cell, alone or before a unit, an interval or "of 9".
  const NUMBER = /^([+−-]?(?:\d[\d,]*)?\.?\d+(?:e[+−-]?\d+)?)(?=$|[\s(%×])/i;

  const number = (text) => {
    const found = NUMBER.exec(text);
    return found && Number(found[1].replaceAll(",", "").replaceAll("−", "-"));
  };

  const compare = (cells) => {
    const known = cells.filter((text) => text && text !== "–");
    if (known.every((text) => number(text) !== null)) return (a, b) => number(a) - number(b);
    return new Intl.Collator("en", { numeric: true }).compare;
  };

  const isPlain = (row, width) => row.cells.length === width && [...row.cells].every((cell) => cell.colSpan === 1 && cell.rowSpan === 1);

  for (const table of document.querySelectorAll(".scroll table")) {
    const heads = [...table.tHead.rows].at(-1), body = table.tBodies[0];
    const rows = [...body.rows].filter((row) => !row.matches(".total"));
    const totals = [...body.rows].filter((row) => row.matches(".total"));
    const width = heads?.cells.length;
    if (rows.length < 3 || heads.matches(".examples") || ![heads, ...rows].every((row) => isPlain(row, width))) continue;

    const sort = (head, place) => {
      const order = { none: "ascending", ascending: "descending", descending: "none" }[head.getAttribute("aria-sort") ?? "none"];
      for (const other of heads.cells) other.removeAttribute("aria-sort");
      let sorted = rows;
      if (order !== "none") {
        head.setAttribute("aria-sort", order);
        const texts = new Map(rows.map((row) => [row, row.cells[place].innerText.trim()]));
        const inOrder = compare([...texts.values()]), sign = order === "ascending" ? 1 : -1;
        const isMissing = (text) => text === "" || text === "–";
        sorted = rows.toSorted((one, other) => {
          const [a, b] = [texts.get(one), texts.get(other)];
          // Missing values come last in either order.
          if (isMissing(a) || isMissing(b)) return isMissing(a) - isMissing(b);
          return sign * inOrder(a, b);
        });
      }
      body.append(...sorted, ...totals);
    };

    [...heads.cells].forEach((head, place) => {
      if (!head.textContent.trim()) return;
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      button.addEventListener("click", () => sort(head, place));
      head.append(button);
    });
  }
})();
