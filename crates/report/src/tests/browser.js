addEventListener("load", async () => {
  const frames = () => new Promise((done) => requestAnimationFrame(done));
  const seen = { figures: 0, undrawn: [], spaces: 0, failures: [] };

  const isDrawn = (figure) => {
    const drawing = figure.querySelector("canvas") ?? figure.querySelector("svg.drawing");
    const { width, height } = drawing.getBoundingClientRect();
    if (width < 50 || height < 50) return false;
    if (drawing.tagName === "CANVAS") return pixels(drawing).some((value) => value !== 0);
    const marks = drawing.getBBox();
    return marks.width > 0 && marks.height > 0;
  };
  const pixels = (canvas) => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;

  const changes = async (canvas, name, act) => {
    const before = canvas.toDataURL();
    await act();
    await frames();
    if (canvas.toDataURL() === before) seen.failures.push(`${canvas.closest("figure").id}: ${name}`);
  };
  const pointer = (target, type, x, y) =>
    target.dispatchEvent(new PointerEvent(type, { pointerId: 7, clientX: x, clientY: y, bubbles: true, pointerType: "mouse" }));
  const drag = (canvas, from, to) => {
    pointer(canvas, "pointerdown", ...from);
    pointer(document.body, "pointermove", ...to);
    pointer(document.body, "pointerup", ...to);
  };

  for (const details of document.querySelectorAll("details")) details.open = true;
  await frames();
  for (const figure of document.querySelectorAll("figure[id^=figure-]")) {
    seen.figures += 1;
    if (!isDrawn(figure)) seen.undrawn.push(figure.id);
  }
  for (const figure of document.querySelectorAll("figure.space")) {
    seen.spaces += 1;
    const canvas = figure.querySelector("canvas"), tip = figure.querySelector(".tip");
    const { left, top, width, height } = canvas.getBoundingClientRect();
    const middle = [left + width / 2, top + height / 2];
    await changes(canvas, "turns", () => drag(canvas, middle, [middle[0] + 60, middle[1] + 20]));
    if (!document.getElementById(canvas.getAttribute("aria-describedby"))) seen.failures.push(`${figure.id}: describes its keys`);
    const key = (name) => canvas.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true }));
    await changes(canvas, "turns by a key", () => key("ArrowLeft"));
    await changes(canvas, "zooms by a key", () => key("+"));
    canvas.focus({ preventScroll: true });
    await changes(canvas, "zooms by the wheel", () => canvas.dispatchEvent(new WheelEvent("wheel", { deltaY: -200, cancelable: true })));
    await changes(canvas, "hides a name", () => figure.querySelector("button[aria-pressed]").click());
    figure.querySelector("button[aria-pressed]").click();
    key("0");
    await frames();
    for (let y = top + 4; y < top + height && tip.hidden; y += 16) {
      for (let x = left + 4; x < left + width && tip.hidden; x += 16) {
        pointer(canvas, "pointermove", x, y);
        await frames();
      }
    }
    if (!/\S+\n\S+/.test(tip.textContent)) seen.failures.push(`${figure.id}: names an image`);
  }
  const check = (name, holds) => {
    if (!holds) seen.failures.push(name);
  };
  const rows = [...document.querySelectorAll("#images tbody tr")];
  const shown = () => rows.filter((row) => row.offsetHeight > 0);
  const input = document.querySelector("#images input");
  check("the table of images shows all rows", shown().length === rows.length && rows.length > 0);
  const [link] = document.querySelectorAll(".examples a");
  const row = document.querySelector(link.hash);
  input.value = "Wrong\u00a0 photo";
  input.dispatchEvent(new Event("input"));
  check("the filter hides rows", shown().length > 0 && shown().every((row) => /photo.*wrong/.test(row.textContent)));
  check("the filter counts rows", document.querySelector("#images output").textContent === `${shown().length} of ${rows.length}`);
  input.value = "no such row";
  input.dispatchEvent(new Event("input"));
  check("the filter says that no row is found", /no row/.test(document.querySelector("#images output").textContent));
  check("the filter hides a linked row", !shown().includes(row));
  const arrival = new Promise((done) => addEventListener("hashchange", done, { once: true }));
  link.click();
  await arrival;
  check("a link shows its row again", shown().length === rows.length && row.matches(":target"));
  check("a row shows the image that links to it", row.querySelector("img")?.src === link.querySelector("img").src);
  const tiles = rows.filter((row) => row.dataset.tile).map((row) => row.querySelector(".tile"));
  const isSeen = (tile) => tile?.offsetWidth > 0 && getComputedStyle(tile).backgroundImage.includes("data:image/jpeg");
  check("other rows show their tiles", tiles.length > 0 && tiles.every(isSeen));
  check("each has a tile of its own", new Set(tiles.map((tile) => tile.style.backgroundPosition)).size === tiles.length);
  check("every row has an image", rows.every((row) => row.querySelector("img, .tile")));

  const outcomes = () => [...document.querySelectorAll("#images tbody tr")].map((row) => row.cells[5].innerText.trim());
  const first = outcomes().join(), head = [...document.querySelectorAll("#images thead th")].at(-1);
  const sort = () => head.querySelector("button").click();
  sort();
  const isSorted = (texts, sign) => texts.every((text, at) => at === 0 || sign * texts[at - 1].localeCompare(text, "en") <= 0);
  check("a head sorts", head.ariaSort === "ascending" && isSorted(outcomes(), 1) && outcomes().join() !== first);
  sort();
  check("a head sorts the other way", head.ariaSort === "descending" && isSorted(outcomes(), -1));
  sort();
  check("a table has its first order again", head.ariaSort === null && outcomes().join() === first);

  const [nav] = document.querySelectorAll(".contents"), links = [...nav.querySelectorAll("ol a")];
  const marked = () => nav.querySelector("[aria-current]")?.hash;
  const arrive = async (target) => {
    document.querySelector(target).scrollIntoView({ behavior: "instant" });
    dispatchEvent(new Event("scroll"));
    await frames();
  };
  await arrive("#leakage");
  check("the contents mark the section in view", marked() === "#leakage");
  const [button] = nav.querySelectorAll("button");
  button.click();
  check("the contents open", button.ariaExpanded === "true");
  button.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
  check("the contents close", button.ariaExpanded === "false");
  scrollTo({ top: 0, behavior: "instant" });
  dispatchEvent(new Event("scroll"));
  check("the contents begin with the first section", marked() === links[0].hash);
  check("facts of the run are shown", /\d{4}-\d\d-\d\d/.test(document.querySelector("#recipe").innerText) && !document.querySelector("#run"));

  const text = document.createElement("pre");
  text.id = "seen";
  text.textContent = JSON.stringify(seen);
  document.body.append(text);
});
