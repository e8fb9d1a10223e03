// The picture that is looked at: before and after, the facts, and its stripes lighting up once more.

import * as answers from "./answer.js";
import { compare, mark, reveal } from "./compare.js";
import { display, release } from "./display.js";
import { find } from "./dom.js";
import { tell } from "./facts.js";
import { header } from "./header.js";
import { pace, replay, stop } from "./replay.js";
import { draw, states } from "./timeline.js";
import { pixels } from "./words.js";

const root = find("#shown");

let held = [];
let turn = 0; // a later picture overtakes an earlier one that still decodes

/** Shows a converted picture. */
export async function show({ file, answer }) {
  const mine = (turn += 1);
  const about = read(answer);
  const [head, greyHead] = await Promise.all([header(file), header(answer.blob)]);
  const [before, after] = await Promise.all([display(file, head), display(answer.blob, greyHead)]);
  if (mine !== turn) {
    [before, after].forEach(release);
    return;
  }
  hide();
  held = [before, after];
  root.hidden = false;
  find("#shown-title").textContent = file.name;
  compare(before, after);
  unseen(head, greyHead, before, after);
  tell(file, answer, about);
  light(about, after, head.orientation);
}

/** Shows nothing. */
export function hide() {
  stop();
  turn += 1;
  root.hidden = true;
  compare(null, null);
  held.forEach(release);
  held = [];
}

function read({ header: value }) {
  return {
    plan: answers.plan(value("X-Grisaille-Plan")),
    parts: answers.parts(value("X-Grisaille-Parts")),
    stages: answers.stages(value("Server-Timing")),
    notes: answers.notes(value("X-Grisaille-Note")),
  };
}

function light({ parts, stages }, after, orientation) {
  const length = Math.max(...parts.map(({ end }) => end), 1);
  const grow = draw(parts, stages, () => play());
  const play = () => replay(length, (now) => {
    const all = states(parts, now);
    grow(now);
    const isOver = now >= length;
    if (!after || parts.length < 2) return;
    mark(isOver ? [] : all, orientation);
    reveal(isOver ? null : all.filter(({ state }) => state === "done").map(({ from, to }) => [from, to]), orientation);
  });
  if (parts.length) find("#pace").textContent = speed(pace(length));
  play();
}

function speed(slower) {
  if (slower > 1.05) return `shown ${slower.toFixed(slower < 10 ? 1 : 0)} times slower`;
  return slower < 0.95 ? `shown ${(1 / slower).toFixed(1)} times faster` : "";
}

/** Says what cannot be seen, and why. */
function unseen(head, greyHead, before, after) {
  const box = find("#unseen");
  const said = [
    ...(before ? [] : [missing("the picture you brought", head)]),
    ...(after ? [] : [missing("the grey picture", greyHead), "The download is complete."]),
    ...(before?.isPreview || after?.isPreview
      ? [`This is a preview: a browser may freeze over ${pixels(head.width * head.height)}. The download has them all.`]
      : []),
  ];
  box.hidden = !said.length;
  box.textContent = said.join(" ");
}

function missing(which, { format, width, height }) {
  const why = format === "TIFF" || !(width * height > 4e7) ? `${format || "this format"} cannot be shown by this browser` : `${pixels(width * height)} are too many for this browser`;
  return `No view of ${which}: ${why}.`;
}
