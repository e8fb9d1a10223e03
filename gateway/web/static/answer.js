// What the headers of an answer say, as values. Pure functions of the headers' text.

const list = (text) => (text ?? "").split(",").map((entry) => entry.trim()).filter(Boolean);

function fields(entry) {
  const pairs = entry.split(";").map((pair) => pair.trim().split("="));
  return Object.fromEntries(pairs.filter((pair) => pair.length === 2));
}

/** X-Grisaille-Parts: who did what when, in milliseconds since the upload was complete. */
export function parts(header) {
  return list(header).map((entry) => {
    const { worker, start, end, attempts, hedged } = fields(entry);
    return {
      worker: Number(worker),
      start: Number(start),
      end: Number(end),
      attempts: Number(attempts),
      hedged: hedged === "1",
    };
  });
}

/** X-Grisaille-Plan: kind (inline, whole, stripes), how many of each, and why. */
export function plan(header) {
  const { stripes, workers, reason } = fields(header ?? "");
  return {
    kind: (header ?? "").split(";")[0].trim(),
    stripes: Number(stripes),
    workers: Number(workers),
    reason,
  };
}

/** Server-Timing: consecutive stages, in milliseconds. */
export function stages(header) {
  return list(header).map((entry) => ({
    name: entry.split(";")[0],
    ms: Number(fields(entry).dur ?? 0),
  }));
}

/** X-Grisaille-Note: slugs of what was changed besides the colour. */
export const notes = list;
