// Makes scatter plots in three dimensions interactive. Each `figure.space` has its points as JSON, and a static figure for
// print and for readers without scripts.
(() => {
  "use strict";

  // As in `space.rs`: distance of the camera, the radius as a share of the height (where there is width enough), and the
  // coordinates' unit.
  const DISTANCE = 4, RADIUS = 0.46, UNIT = 1000;
  const REACH = 16;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

  function element(parent, name, attributes) {
    return parent.appendChild(Object.assign(document.createElement(name), attributes));
  }

  // A mark as a small drawing, as `Style::swatch`.
  function swatch(corners, color, filling) {
    const points = corners.map((value) => 5 * value / UNIT).join(" ");
    const path = corners.length ? `M${points}z` : "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0z";
    return `<svg class="drawing swatch-mark" viewBox="-8 -8 16 16" aria-hidden="true"><path class="mark-${filling} tone-${color}" d="${path}"/></svg>`;
  }

  class View {
    constructor(figure) {
      this.data = JSON.parse(figure.querySelector("script").textContent);
      this.hidden = new Set();
      this.pointers = new Map();
      this.picked = -1;
      const stage = document.createElement("div");
      stage.className = "stage";
      figure.insertBefore(stage, figure.querySelector("figcaption"));
      const keys = `${figure.id}-keys`;
      this.canvas = element(stage, "canvas", { tabIndex: 0 });
      const attributes = {
        role: "application", "aria-roledescription": "scatter plot in three dimensions", "aria-describedby": keys,
        "aria-label": figure.querySelector("svg.drawing").getAttribute("aria-label"),
      };
      for (const [name, value] of Object.entries(attributes)) this.canvas.setAttribute(name, value);
      this.tip = element(stage, "output", { className: "tip", hidden: true });
      this.pen = this.canvas.getContext("2d");
      this.addLegend(stage);
      element(stage, "p", {
        className: "hint",
        id: keys,
        textContent: "Drag to turn. Scroll after a click, or pinch, to zoom; drag with shift, or with two fingers, to move. " +
          "Keys: arrows, + and −, 0 for the first view. Point at an image or tap it for its name.",
      });
      figure.classList.add("turns");
      this.goHome();
      this.readColors();
      this.resize();
      this.listen();
    }

    goHome() {
      Object.assign(this, { yaw: this.data.yaw, pitch: this.data.pitch, zoom: 1, moveX: 0, moveY: 0 });
      this.draw();
    }

    addLegend(stage) {
      const legend = element(stage, "div", { className: "names" });
      this.data.names.forEach((name, number) => {
        if (name === "") return;
        const button = element(legend, "button", { type: "button", title: "Show or hide" });
        button.setAttribute("aria-pressed", "true");
        button.innerHTML = swatch(this.data.shapes[number], this.data.colors[number], "filled");
        button.append(name);
        button.addEventListener("click", () => {
          if (!this.hidden.delete(number)) this.hidden.add(number);
          button.setAttribute("aria-pressed", String(!this.hidden.has(number)));
          this.pick(-1);
        });
      });
      const home = element(legend, "button", { type: "button", textContent: "First view" });
      home.addEventListener("click", () => this.goHome());
      const key = element(stage, "p", { className: "names" });
      this.data.subsets.forEach((subset, i) => {
        element(key, "span", { innerHTML: swatch([], "key-0", this.data.fillings[i]) }).append(subset);
      });
    }

    readColors() {
      const style = getComputedStyle(document.documentElement);
      const color = (name) => style.getPropertyValue(`--${name}`).trim();
      this.colors = this.data.colors.map(color);
      [this.ink, this.surface, this.ground] = ["ink", "surface", "grid"].map(color);
      this.draw();
    }

    // Draws before the next frame, once for all that asked for it.
    draw() {
      this.frame ??= requestAnimationFrame(() => {
        this.frame = undefined;
        this.paint();
      });
    }

    resize() {
      const { clientWidth: width, clientHeight: height } = this.canvas;
      const ratio = window.devicePixelRatio || 1;
      Object.assign(this, { width, height });
      this.canvas.width = Math.round(width * ratio);
      this.canvas.height = Math.round(height * ratio);
      this.pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      this.paint();
    }

    // Point on the canvas, and depth, of the coordinates in `list` from `i` on.
    project(list, i) {
      const [x, y, z] = [list[i] / UNIT, list[i + 1] / UNIT, list[i + 2] / UNIT];
      const across = x * this.cosYaw - y * this.sinYaw, away = x * this.sinYaw + y * this.cosYaw;
      const up = z * this.cosPitch + away * this.sinPitch, depth = away * this.cosPitch - z * this.sinPitch;
      const scale = this.zoom * RADIUS * Math.min(this.width / 1.3, this.height) * DISTANCE / (DISTANCE + depth);
      return [this.width / 2 + this.moveX + across * scale, this.height / 2 + this.moveY - up * scale, depth];
    }

    paint() {
      if (!this.width) return;
      Object.assign(this, {
        sinYaw: Math.sin(this.yaw), cosYaw: Math.cos(this.yaw), sinPitch: Math.sin(this.pitch), cosPitch: Math.cos(this.pitch),
      });
      this.pen.clearRect(0, 0, this.width, this.height);
      this.paintGround();
      this.shown = [];
      for (let i = 0; i < this.data.number.length; i++) {
        if (!this.hidden.has(this.data.number[i])) this.shown.push([i, ...this.project(this.data.at, 3 * i)]);
      }
      // Far points first; of equals the earlier.
      this.shown.sort((a, b) => b[3] - a[3] || a[0] - b[0]);
      for (const shown of this.shown) this.paintPoint(shown);
      this.paintTip();
    }

    paintGround() {
      this.pen.strokeStyle = this.ground;
      this.pen.lineWidth = 1;
      this.pen.beginPath();
      for (const line of this.data.lines) {
        for (let i = 0; i < line.length; i += 3) {
          const [x, y] = this.project(line, i);
          if (i === 0) this.pen.moveTo(x, y);
          else this.pen.lineTo(x, y);
        }
      }
      this.pen.stroke();
    }

    // Near points are larger. Each has an edge: of its color if it is hollow, else one that sets it off from others.
    paintPoint([i, x, y, depth]) {
      const { number, subset, fillings, shapes } = this.data;
      const near = clamp((1 - depth) / 2, 0, 1), filling = fillings[subset[i]], color = this.colors[number[i]];
      const crowd = clamp(Math.sqrt(600 / number.length), 0.5, 1);
      const scale = clamp(Math.min(this.width, this.height) / 480, 0.65, 1.2) * Math.sqrt(this.zoom);
      const size = (filling === "hollow" ? 3.2 : 4.4) * crowd * (0.7 + 0.6 * near) * scale;
      Object.assign(this.pen, {
        fillStyle: color, lineWidth: filling === "filled" ? 0.7 : 1.1,
        strokeStyle: { hollow: color, filled: this.surface, edged: this.ink }[filling],
      });
      this.pen.beginPath();
      const corners = shapes[number[i]];
      for (let c = 0; c < corners.length; c += 2) this.pen.lineTo(x + size * corners[c] / UNIT, y + size * corners[c + 1] / UNIT);
      if (corners.length === 0) this.pen.arc(x, y, size, 0, 2 * Math.PI);
      this.pen.closePath();
      if (filling !== "hollow") this.pen.fill();
      this.pen.stroke();
    }

    paintTip() {
      const shown = this.shown.find(([i]) => i === this.picked);
      this.tip.hidden = !shown;
      if (!shown) return;
      const [i, x, y] = shown, { path, names, number, subsets, subset } = this.data;
      Object.assign(this.pen, { strokeStyle: this.ink, lineWidth: 1.5 });
      this.pen.beginPath();
      this.pen.arc(x, y, 7, 0, 2 * Math.PI);
      this.pen.stroke();
      const text = `${path[i]}\n${names[number[i]]}, ${subsets[subset[i]]}`;
      if (this.tip.textContent !== text) this.tip.textContent = text;
      const half = this.tip.offsetWidth / 2;
      this.tip.style.left = `${clamp(x, half, Math.max(half, this.width - half))}px`;
      const above = y - 14 - this.tip.offsetHeight;
      this.tip.style.top = `${above > 0 ? above : y + 14}px`;
    }

    pick(i) {
      this.picked = i;
      this.draw();
    }

    // The nearest shown marker within reach of a point on the canvas; of equals the foremost.
    pickAt(event) {
      const box = this.canvas.getBoundingClientRect();
      const [left, top] = [event.clientX - box.left, event.clientY - box.top];
      let best = -1, least = REACH;
      for (const [i, x, y] of this.shown ?? []) {
        const distance = Math.hypot(x - left, y - top);
        if (distance <= least) [best, least] = [i, distance];
      }
      if (best !== this.picked) this.pick(best);
    }

    turn(yaw, pitch) {
      this.yaw += yaw;
      this.pitch = clamp(this.pitch + pitch, -Math.PI / 2, Math.PI / 2);
      this.draw();
    }

    zoomBy(factor) {
      this.zoom = clamp(this.zoom * factor, 0.5, 20);
      this.draw();
    }

    moveBy(x, y) {
      this.moveX += x;
      this.moveY += y;
      this.draw();
    }

    listen() {
      const { canvas } = this;
      canvas.addEventListener("pointerdown", (event) => {
        this.pointers.set(event.pointerId, event);
        this.travel = 0;
      });
      // A drag goes on beyond the canvas's edge.
      addEventListener("pointermove", (event) => this.drag(event));
      addEventListener("pointerup", (event) => this.release(event, true));
      addEventListener("pointercancel", (event) => this.release(event, false));
      canvas.addEventListener("pointermove", (event) => {
        if (this.pointers.size === 0) this.pickAt(event);
      });
      canvas.addEventListener("pointerleave", (event) => {
        if (this.pointers.size === 0 && event.pointerType === "mouse") this.pick(-1);
      });
      // A reader who scrolls past is not held up: the wheel is ours after a click alone.
      canvas.addEventListener("wheel", (event) => {
        if (document.activeElement !== canvas && !event.ctrlKey) return;
        event.preventDefault();
        this.zoomBy(Math.exp(-0.0015 * event.deltaY));
      }, { passive: false });
      canvas.addEventListener("keydown", (event) => this.key(event));
      dark.addEventListener("change", () => this.readColors());
      new ResizeObserver(() => this.resize()).observe(canvas);
    }

    drag(event) {
      const last = this.pointers.get(event.pointerId);
      if (!last) return;
      const [x, y] = [event.clientX - last.clientX, event.clientY - last.clientY];
      this.travel += Math.abs(x) + Math.abs(y);
      const other = [...this.pointers.values()].find((pointer) => pointer.pointerId !== event.pointerId);
      if (other) {
        const spread = (a) => Math.hypot(a.clientX - other.clientX, a.clientY - other.clientY);
        this.zoomBy(spread(event) / Math.max(spread(last), 1));
        this.moveBy(x / 2, y / 2);
      } else if (event.shiftKey) this.moveBy(x, y);
      else this.turn(-0.008 * x, 0.008 * y);
      this.pointers.set(event.pointerId, event);
    }

    // A press that hardly moved is a tap.
    release(event, isTap) {
      if (this.pointers.delete(event.pointerId) && isTap && this.travel < 6) this.pickAt(event);
    }

    key(event) {
      const step = 0.1;
      const actions = {
        ArrowLeft: () => this.turn(step, 0), ArrowRight: () => this.turn(-step, 0),
        ArrowUp: () => this.turn(0, -step), ArrowDown: () => this.turn(0, step),
        "+": () => this.zoomBy(1.15), "=": () => this.zoomBy(1.15), "-": () => this.zoomBy(1 / 1.15),
        0: () => this.goHome(), Escape: () => this.pick(-1),
      };
      if (event.ctrlKey || event.metaKey || !(event.key in actions)) return;
      event.preventDefault();
      actions[event.key]();
    }
  }

  for (const figure of document.querySelectorAll("figure.space")) new View(figure);
})();
