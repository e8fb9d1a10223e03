// What the service says in slugs and numbers, in plain words.

const NOTES = {
  requantised: "The JPEG was compressed anew with its own quality table, since its kind cannot be kept bit by bit.",
  narrowed: "16 bits a channel became 8, as this format holds no more.",
  flattened: "Transparent parts were laid on white, since the result has no transparency.",
  "first-frame": "The file has several pictures; this is the first.",
};

const REASONS = {
  "free-slots": "as many as were free",
  small: "more would not pay for a picture of this size",
  asked: "as asked for",
  "serial-format": "this format is one continuous stream, which cannot be cut",
  "serial-output": "this output format is written in one piece",
  "one-unit": "it has nowhere to cut",
  "one-slot": "one worker was free",
  busy: "all workers were busy",
  "scan-busy": "the gateway was cutting another picture",
  "scan-costs-more": "finding where to cut would take longer than it saves",
  "stripe-refused": "a stripe was not clean, so one decoder looked at the whole",
  "no-worker": "no worker was there",
};

const STAGES = {
  receive: "upload",
  queue: "waiting for room",
  split: "finding the stripes",
  send: "sending the last part",
  work: "its work",
  return: "its way back",
  merge: "joining",
};

export const note = (slug) => NOTES[slug] ?? slug;
export const reason = (slug) => REASONS[slug] ?? slug;
export const stage = (name) => STAGES[name] ?? name;

const SAME = "the same size";

export const count = (n, one, many = `${one}s`) => `${n} ${n === 1 ? one : many}`;

export function bytes(n) {
  const units = ["bytes", "kB", "MB", "GB"];
  let power = 0;
  while (n >= 999.5 && power < units.length - 1) {
    n /= 1000;
    power += 1;
  }
  return `${power && n < 99.5 ? n.toFixed(1) : Math.round(n)} ${units[power]}`;
}

export function time(ms) {
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(ms < 10000 ? 2 : 1)} s`;
}

export const pixels = (n) => `${(n / 1e6).toFixed(n < 1e7 ? 1 : 0)} megapixels`;

/** A limit's number: bytes where the setting speaks of bytes. */
export function amount(n, setting) {
  const exact = Number(n).toLocaleString("en");
  return /BYTES/.test(setting) ? `${bytes(n)} (${exact} bytes)` : exact;
}

/** How the size changed, as a clause. */
export function change(before, after) {
  const percent = Math.round((Math.abs(after - before) / before) * 100);
  if (!percent) return SAME;
  return after < before ? `${percent} % smaller` : `${percent} % larger`;
}

/** A size beside another, as a clause. */
export function compared(after, before) {
  const changed = change(before, after);
  return changed === SAME ? `${SAME} as before` : `${changed} than ${bytes(before)}`;
}

/** What was done, as a sentence. */
export function plan({ kind, stripes, workers, reason: why }) {
  if (kind === "inline") return `Converted by the gateway itself: ${reason(why)}.`;
  if (kind === "whole") return `Converted whole by one worker: ${reason(why)}.`;
  return `Cut into ${count(stripes, "stripe")} for ${count(workers, "worker")}: ${reason(why)}.`;
}
