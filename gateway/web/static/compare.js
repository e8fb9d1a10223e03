// Before and after under one border, which pointer and keys move.

import { find } from "./dom.js";
import { zooming } from "./zoom.js";

const root = find("#compare");
const view = find(".view", root);
const canvas = find(".canvas", root);
const divider = find(".divider", root);
const handle = find(".handle", root);
const after = find(".after", root);

const KEYS = {
  ArrowLeft: -2, ArrowDown: -2, ArrowRight: 2, ArrowUp: 2,
  PageDown: -10, PageUp: 10, Home: -100, End: 100,
};

let border = 50; // percent of the view
const zoom = zooming(root, clip);

/** Shows both pictures, or the one there is. */
export function compare(before, grey) {
  const both = before && grey;
  find(".before", root).replaceChildren(...(before ? [before.node] : []));
  after.replaceChildren(...(grey ? [grey.node] : []));
  root.hidden = !(before || grey);
  if (root.hidden) return;
  mark([], 1);
  root.classList.toggle("single", !both);
  // A preview of a huge picture is enlarged to its size, so that both lie on each other.
  const { width, height } = grey ?? before;
  zoom.show(width, height);
  move(both ? 50 : 0);
}

/** Shows of the grey picture only these stripes: pairs of edges, as shares of the stored height; null: all. */
export function reveal(stripes, orientation) {
  after.firstChild.style.clipPath = stripes ? `polygon(${outline(stripes.map((s) => turned(s, orientation)), orientation)})` : "";
}

/** Marks stripes as waiting, working or done. */
export function mark(states, orientation) {
  const bands = find(".bands", root);
  bands.replaceChildren(...states.map(({ from, to, state, worker }) => {
    const band = document.createElement("i");
    const [a, b] = turned([from, to], orientation);
    band.className = `${state} worker-${worker % 8} ${orientation > 4 ? "upright" : ""}`;
    band.style.setProperty("--from", `${a * 100}%`);
    band.style.setProperty("--size", `${(b - a) * 100}%`);
    return band;
  }));
}

// Where the stored top is on the screen (Exif 2.32, tag 0x0112): on top, below, left or right.
const REVERSED = new Set([3, 4, 6, 7]);

function turned([from, to], orientation) {
  return REVERSED.has(orientation) ? [1 - to, 1 - from] : [from, to];
}

/** Rectangles as one polygon, joined along an edge, where a line has no area. */
function outline(stripes, orientation) {
  const corners = stripes.flatMap(([a, b]) => [[0, a], [1, a], [1, b], [0, b]]);
  const points = orientation > 4 ? corners.map(([x, y]) => [y, x]) : corners;
  return points.map(([x, y]) => `${x * 100}% ${y * 100}%`).join(", ") || "0 0";
}

function move(percent) {
  border = Math.min(Math.max(percent, 0), 100);
  divider.style.left = `${border}%`;
  handle.setAttribute("aria-valuenow", Math.round(border));
  handle.setAttribute("aria-valuetext", `${Math.round(100 - border)} % of the view is grey`);
  clip();
}

/** The grey picture begins at the border, wherever the canvas is under it. */
function clip() {
  const edge = view.getBoundingClientRect().left + view.clientWidth * (border / 100);
  const inside = edge - canvas.getBoundingClientRect().left;
  after.style.clipPath = `inset(0 0 0 ${Math.min(Math.max(inside, 0), canvas.offsetWidth)}px)`;
}

handle.addEventListener("keydown", (event) => {
  const step = KEYS[event.key];
  if (step === undefined) return;
  event.preventDefault();
  move(border + step);
});

function follow(event) {
  const { left, width } = view.getBoundingClientRect();
  move(((event.clientX - left) / width) * 100);
}

divider.addEventListener("pointerdown", (event) => {
  event.preventDefault();
  handle.focus();
  divider.setPointerCapture(event.pointerId);
});
divider.addEventListener("pointermove", (event) => {
  if (divider.hasPointerCapture(event.pointerId)) follow(event);
});

// On the picture itself a mouse moves the border while all of it is seen, and the picture when zoomed.
view.addEventListener("pointerdown", (event) => {
  if (event.pointerType !== "mouse" || event.button !== 0) return;
  view.setPointerCapture(event.pointerId);
  if (!view.classList.contains("zoomed")) follow(event);
});
view.addEventListener("pointermove", (event) => {
  if (!view.hasPointerCapture(event.pointerId)) return;
  if (view.classList.contains("zoomed")) view.scrollBy(-event.movementX, -event.movementY);
  else follow(event);
});
