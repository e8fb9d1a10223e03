// Who did what when: a bar for each stripe, and the stages of the request under it.

import { element, find } from "./dom.js";
import { count, stage, time } from "./words.js";

const root = find("#timeline");
const DENSE_FROM = 17;

/** Draws the parts and stages of an answer; returns how to light up what is done at a moment (ms). */
export function draw(parts, stages, again) {
  const end = Math.max(...parts.map((part) => part.end), 1);
  const bars = parts.map((part) => bar(part, end));
  const lanes = element("ol", { className: parts.length >= DENSE_FROM ? "lanes dense" : "lanes" });
  lanes.setAttribute("aria-hidden", "true"); // the table says the same
  lanes.append(...bars.map((one, i) => lane(one, parts[i], i)));
  root.replaceChildren(
    ...(parts.length ? [heading(again), lanes, axis(end), table(parts)] : []),
    spent(stages),
  );
  return (now) => bars.forEach((one, i) => one.style.setProperty("--grown", grown(parts[i], now)));
}

const grown = ({ start, end }, now) => Math.min(Math.max((now - start) / (end - start || 1), 0), 1);

/** Stripe by stripe: waiting, working or done at a moment, with its edges as shares of the height. */
export function states(parts, now) {
  return parts.map(({ start, end, worker }, i) => ({
    from: i / parts.length,
    to: (i + 1) / parts.length,
    worker,
    state: now < start ? "waiting" : now < end ? "working" : "done",
  }));
}

function heading(again) {
  const title = element("h3", {}, "Who did what when");
  const replay = element("button", { type: "button", id: "replay" }, "Play again");
  replay.addEventListener("click", again);
  return element("header", {}, title, element("output", { id: "pace" }), replay);
}

function bar({ start, end, worker }, whole) {
  const made = element("span", { className: `bar worker-${worker % 8}` });
  made.style.setProperty("--start", `${(start / whole) * 100}%`);
  made.style.setProperty("--length", `${((end - start) / whole) * 100}%`);
  return made;
}

function lane(made, part, i) {
  const took = [time(part.end - part.start), ...trouble(part)].join(", ");
  return element("li", {},
    element("span", { className: "who" }, `${i + 1}`, element("small", {}, `worker ${part.worker}`)),
    element("span", { className: "track" }, made),
    element("span", { className: "took" }, took),
  );
}

function trouble({ attempts, hedged }) {
  return [...(attempts > 1 ? [count(attempts, "attempt")] : []), ...(hedged ? ["hedged"] : [])];
}

function axis(end) {
  return element("p", { className: "axis", ariaHidden: "true" }, element("span", {}, "0, upload complete"), element("span", {}, time(end)));
}

function table(parts) {
  const head = ["Stripe", "Worker", "From", "To", "Took", "Attempts", "Hedged"];
  const rows = parts.map((part, i) =>
    [i + 1, part.worker, time(part.start), time(part.end), time(part.end - part.start), part.attempts, part.hedged ? "yes" : "no"]);
  return element("details", {},
    element("summary", {}, "As a table"),
    element("div", { className: "scrolls", tabIndex: 0, role: "region", ariaLabel: "Stripes" },
      element("table", {},
        element("thead", {}, element("tr", {}, ...head.map((name) => element("th", { scope: "col" }, name)))),
        element("tbody", {}, ...rows.map((row) => element("tr", {}, ...row.map((cell) => element("td", {}, `${cell}`))))),
      ),
    ),
  );
}

function spent(stages) {
  const total = stages.reduce((sum, { ms }) => sum + ms, 0);
  const track = element("span", { className: "spent", ariaHidden: "true" });
  track.append(...stages.map(({ name, ms }) => {
    const piece = element("i", { className: `stage-${name}` });
    piece.style.setProperty("--share", ms);
    return piece;
  }));
  const legend = element("dl", { className: "legend" });
  legend.append(...stages.map(({ name, ms }) => element("div", {},
    element("dt", { className: `stage-${name}` }, stage(name)),
    element("dd", {}, time(ms)),
  )));
  return element("div", { className: "stages" },
    element("h3", {}, `Where ${time(total)} at the service went`), track, legend);
}
