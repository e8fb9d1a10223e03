// How large the picture is shown in its view, and where.

import { find } from "./dom.js";

const STEP = 1.5;
const MOST = 16;
const PIXELATED_FROM = 2;

/** Binds a view that scrolls, the canvas in it, and the buttons; `changed` hears of every move. */
export function zooming(root, changed) {
  const view = find(".view", root);
  const canvas = find(".canvas", root);
  const size = { width: 1, height: 1 };
  let scale = null; // null: as large as fits

  const pixel = () => 1 / window.devicePixelRatio; // of the screen
  const fit = () => Math.min(view.clientWidth / size.width, view.clientHeight / size.height, pixel() * 4);
  const current = () => scale ?? fit();

  function lay() {
    const now = current();
    canvas.style.width = `${size.width * now}px`;
    canvas.style.height = `${size.height * now}px`;
    canvas.classList.toggle("pixelated", now / pixel() >= PIXELATED_FROM);
    view.classList.toggle("zoomed", scale !== null);
    find(".tools output", root).textContent = `${Math.round((now / pixel()) * 100)} %`;
    changed();
  }

  /** Shows at that scale, with the same point in the middle; null fits. */
  function to(wanted) {
    const middle = [0.5, 0.5].map((half, axis) => {
      const [scroll, seen, all] = axis
        ? [view.scrollTop, view.clientHeight, canvas.offsetHeight]
        : [view.scrollLeft, view.clientWidth, canvas.offsetWidth];
      return (scroll + seen * half) / Math.max(all, seen);
    });
    scale = wanted === null ? null : Math.min(Math.max(wanted, fit() / 4), MOST * pixel());
    lay();
    view.scrollLeft = middle[0] * canvas.offsetWidth - view.clientWidth / 2;
    view.scrollTop = middle[1] * canvas.offsetHeight - view.clientHeight / 2;
    changed();
  }

  const actions = {
    fit: () => to(null),
    full: () => to(pixel()),
    in: () => to(current() * STEP),
    out: () => to(current() / STEP),
  };
  const keys = { "+": "in", "=": "in", "-": "out", 0: "fit", 1: "full" };

  root.addEventListener("click", (event) => actions[event.target.dataset?.zoom]?.());
  view.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in keys)) return;
    event.preventDefault();
    actions[keys[event.key]]();
  });
  view.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return; // as a pinch arrives; a plain wheel scrolls
    event.preventDefault();
    to(current() * Math.exp(-event.deltaY / 200));
  }, { passive: false });
  view.addEventListener("scroll", changed);
  new ResizeObserver(lay).observe(view);

  return {
    show(width, height) {
      Object.assign(size, { width, height });
      scale = null;
      view.style.setProperty("--ratio", width / height);
      lay();
    },
  };
}
