/* Where windows lie and which weight stands where: the numbers of localnet.ops.Geometry,
   which tests/test_play.py holds them to; and the page that draws them. */
"use strict";

/* Return the locations of an axis and the cells padded before it. */
function windows(size, kernel, stride, dilation, padding) {
  const span = (kernel - 1) * dilation + 1;
  if (padding === "same") {
    return { count: Math.ceil(size / stride), before: Math.floor(span / 2) };
  }
  return { count: Math.max(0, Math.floor((size - span) / stride) + 1), before: 0 };
}

/* Return a row for each output: pairs of the input cell and the number of its weight.
   Cells outside the input are pads, which have weights but no connection. */
function connections(o) {
  const { count, before } = windows(o.size, o.kernel, o.stride, o.dilation, o.padding);
  const rows = [];
  for (let l = 0; l < count; l++) {
    const row = [];
    if (o.kind === "dense") {
      for (let i = 0; i < o.size; i++) row.push([i, i * count + l]);
    } else {
      const group = o.kind === "convolution" ? 0 : Math.floor(l / o.share);
      for (let t = 0; t < o.kernel; t++) {
        row.push([l * o.stride - before + t * o.dilation, group * o.kernel + t]);
      }
    }
    rows.push(row);
  }
  return rows;
}

/* Return how many connections and different weights there are. */
function counts(o) {
  const inside = connections(o).flat().filter(([i]) => i >= 0 && i < o.size);
  const kernels = { dense: 0, convolution: 1, local: Math.ceil(connections(o).length / o.share) };
  const weights = o.kind === "dense" ? inside.length : kernels[o.kind] * o.kernel;
  return { connections: inside.length, weights };
}

if (typeof module !== "undefined") module.exports = { windows, connections, counts };

if (typeof document !== "undefined") {
  const SVG = "http://www.w3.org/2000/svg";
  const HUES = [202, 26, 164, 327, 41, 262, 90, 0, 230];
  const state = { size: 12, kernel: 3, stride: 1, dilation: 1, share: 1, padding: "valid", kind: "local" };
  let chosen = 0;

  const find = (id) => document.getElementById(id);

  function shape(parent, name, attributes, text) {
    const node = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (text !== undefined) node.textContent = text;
    parent.appendChild(node);
    return node;
  }

  /* Hue says which tap, lightness at which location. */
  function colour(l, tap, rows) {
    const group = state.kind === "convolution" ? 0.5 : Math.floor(l / state.share) / Math.max(1, rows - 1);
    const light = state.kind === "convolution" ? 45 : 28 + 47 * (state.kind === "dense" ? l / Math.max(1, rows - 1) : group);
    return `hsl(${HUES[tap % HUES.length]} 75% ${light}%)`;
  }

  function draw() {
    const rows = connections(state);
    chosen = Math.min(chosen, Math.max(0, rows.length - 1));
    drawWires(rows);
    drawMatrix(rows);
    const { connections: links, weights } = counts(state);
    const inside = rows.length ? rows[chosen].filter(([i]) => i >= 0 && i < state.size) : [];
    find("count").textContent = rows.length
      ? `${rows.length} outputs, ${links} connections, ${weights} weights. ` +
        `Output ${chosen} reads cells ${inside.map(([i]) => i).join(", ") || "none"} ` +
        `by weights ${inside.map(([, w]) => w).join(", ") || "none"}.`
      : "The window does not fit into the input.";
  }

  function choose(l) {
    if (l !== chosen) {
      chosen = l;
      draw();
    }
  }

  function drawWires(rows) {
    const svg = find("wires");
    svg.replaceChildren();
    const cells = rows.flat().map(([i]) => i);
    const step = 50, low = Math.min(0, ...cells), high = Math.max(state.size, ...cells.map((i) => i + 1));
    svg.setAttribute("viewBox", `-2 0 ${(high - low) * step - 6} 230`);
    const x = (i) => (i - low) * step;
    const y = (l) => x(0) + (rows.length > 1 ? (l * (state.size - 1) * step) / (rows.length - 1) : (state.size - 1) * step / 2);
    rows.forEach((row, l) => row.forEach(([i], t) => {
      const pad = i < 0 || i >= state.size;
      shape(svg, "line", {
        x1: x(i) + 20, y1: 52, x2: y(l) + 20, y2: 178,
        stroke: colour(l, t, rows.length), "stroke-width": l === chosen ? 5 : 1.5,
        opacity: l === chosen ? 1 : 0.35, "stroke-dasharray": pad ? "4 5" : "none",
      });
    }));
    const read = new Set(rows.length ? rows[chosen].map(([i]) => i) : []);
    for (let i = low; i < high; i++) {
      const pad = i < 0 || i >= state.size;
      if (pad && !read.has(i)) continue;
      shape(svg, "rect", { x: x(i), y: 12, width: 40, height: 40, rx: 4, class: pad ? "pad" : read.has(i) ? "read" : "cell" });
      shape(svg, "text", { x: x(i) + 20, y: 38 }, pad ? "0" : `x${i}`);
    }
    rows.forEach((_, l) => {
      const group = shape(svg, "g", { tabindex: 0, role: "button", "aria-label": `output ${l}`, "aria-pressed": l === chosen });
      shape(group, "rect", { x: y(l), y: 178, width: 40, height: 40, rx: 20, class: l === chosen ? "read" : "cell" });
      shape(group, "text", { x: y(l) + 20, y: 204 }, `y${l}`);
      group.addEventListener("mouseenter", () => choose(l));
      group.addEventListener("click", () => choose(l));
      group.addEventListener("keydown", (event) => {
        const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
        if (event.key === "Enter") choose(l);
        if (by === undefined || !rows[l + by]) return;
        choose(l + by);
        svg.querySelectorAll("g")[l + by].focus();
      });
    });
  }

  function drawMatrix(rows) {
    const svg = find("matrix");
    svg.replaceChildren();
    const step = 34;
    svg.setAttribute("viewBox", `-34 -26 ${state.size * step + 40} ${Math.max(1, rows.length) * step + 34}`);
    for (let i = 0; i < state.size; i++) shape(svg, "text", { x: i * step + 17, y: -8, class: "small" }, `x${i}`);
    rows.forEach((row, l) => {
      shape(svg, "text", { x: -17, y: l * step + 22, class: "small" }, `y${l}`);
      for (let i = 0; i < state.size; i++) {
        shape(svg, "rect", { x: i * step, y: l * step, width: step - 2, height: step - 2, class: "empty" })
          .addEventListener("mouseenter", () => choose(l));
      }
      row.forEach(([i, weight], t) => {
        if (i < 0 || i >= state.size) return;
        const cell = shape(svg, "rect", {
          x: i * step, y: l * step, width: step - 2, height: step - 2, fill: colour(l, t, rows.length),
        });
        cell.addEventListener("mouseenter", () => choose(l));
        shape(svg, "text", { x: i * step + 16, y: l * step + 21, class: "number" }, weight);
      });
    });
    if (rows.length) {
      shape(svg, "rect", { x: -1.5, y: chosen * step - 1.5, width: state.size * step + 1, height: step + 1, class: "row" });
    }
  }

  function set(name, value) {
    state[name] = value;
    find(name).value = value;
    find(`${name}-value`).textContent = value;
  }

  for (const name of ["kernel", "stride", "dilation", "share"]) {
    find(name).addEventListener("input", (event) => {
      set(name, Number(event.target.value));
      // As in Keras, a layer has a stride or a dilation.
      if (name === "stride" && state.stride > 1) set("dilation", 1);
      if (name === "dilation" && state.dilation > 1) set("stride", 1);
      draw();
    });
  }
  for (const name of ["padding", "kind"]) {
    find(name).addEventListener("change", (event) => {
      state[name] = event.target.value;
      draw();
    });
  }
  draw();
}
