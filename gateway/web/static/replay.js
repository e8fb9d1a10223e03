// The moments of a conversion once more, as they were measured; short ones slower, long ones faster.

const LEAST_MS = 1600;
const MOST_MS = 4000;

let frame = 0;

/** How much slower than it was (below 1: faster). */
export function pace(length) {
  return Math.min(Math.max(length, LEAST_MS), MOST_MS) / length;
}

/** Calls `show` with each moment from 0 to `length` ms; at once with the last where motion is not wanted. */
export function replay(length, show) {
  cancelAnimationFrame(frame);
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
    show(length);
    return;
  }
  const slower = pace(length);
  const begin = performance.now();
  const step = (now) => {
    const moment = Math.max(now - begin, 0) / slower;
    show(Math.min(moment, length));
    if (moment < length) frame = requestAnimationFrame(step);
  };
  frame = requestAnimationFrame(step);
}

/** Ends a replay that runs. */
export const stop = () => cancelAnimationFrame(frame);
