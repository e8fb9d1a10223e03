// How a conversion went, in plain words and a few figures.

import { element, find } from "./dom.js";
import * as words from "./words.js";

/** Fills the facts about an answer: {blob, times}, its plan, parts, stages and notes, and the file it came from. */
export function tell(file, { blob, times }, { plan, parts, stages, notes }) {
  const served = stages.filter(({ name }) => name !== "receive").reduce((sum, { ms }) => sum + ms, 0);
  find("#facts").replaceChildren(
    element("dl", { className: "figures" },
      ...figure(words.time(served), "from complete upload to grey picture"),
      ...figure(words.bytes(blob.size), words.compared(blob.size, file.size)),
      ...figure(words.time(times.end - times.begin), way(times)),
      ...(parts.length > 1 ? side(parts) : []),
    ),
    element("p", {}, words.plan(plan)),
    ...notes.map((slug) => element("p", { className: "note" }, words.note(slug))),
  );
}

function figure(value, meaning) {
  return [element("div", {}, element("dt", {}, meaning), element("dd", {}, value))];
}

function way({ begin, uploaded, answered, end }) {
  return `in all: ${words.time((uploaded ?? answered) - begin)} up, ${words.time(end - answered)} down`;
}

/** What it gained that the stripes were worked on side by side. */
function side(parts) {
  const each = parts.reduce((sum, { start, end }) => sum + end - start, 0);
  const all = Math.max(...parts.map(({ end }) => end)) - Math.min(...parts.map(({ start }) => start));
  return figure(
    `${(each / all).toFixed(1)} ×`,
    `side by side: stripes that add up to ${words.time(each)}, waiting included, done in ${words.time(all)}`,
  );
}
