addEventListener("load", () => {
  const image = document.querySelector("img.tiles"), columns = Number(image.dataset.columns);
  const rows = [...document.querySelectorAll("#images tr[data-tile]")];
  const failures = [];
  const check = (name, holds) => {
    if (!holds) failures.push(name);
  };
  check("the tiles need more than two rows", rows.length > 2 * columns);
  check("the JPEG has 48 pixels for each column", image.naturalWidth === 48 * columns);
  // Pixels along each side of a tile on the page.
  const side = 40;
  for (const row of rows) {
    const style = getComputedStyle(row.querySelector(".tile")), number = Number(row.dataset.tile);
    const [x, y] = style.backgroundPosition.split(" ").map(Number.parseFloat);
    const place = [number % columns, Math.floor(number / columns)];
    check(`tile ${number} is in its place`, x === -side * place[0] && y === -side * place[1]);
    check(`tile ${number} has its size`, Number.parseFloat(style.backgroundSize) === side * columns);
  }
  const text = document.createElement("pre");
  text.id = "seen";
  text.textContent = JSON.stringify(failures);
  document.body.append(text);
});
