// Pictures wait here, so that sixty at once do not share one connection's bandwidth sixty ways.

import { convert } from "./convert.js";

const AT_ONCE = 3;
const TRIES = 6;
const PATIENCE_SECONDS = 2;

const waiting = [];
let running = 0;

/** Puts a conversion in line. `tell` hears of each state; returns how to cancel it. */
export function enqueue(file, query, tell) {
  const job = { file, query, tell, cancel: null, cancelled: false };
  waiting.push(job);
  tell({ state: "waiting" });
  next();
  return () => {
    job.cancelled = true;
    job.cancel?.();
    const place = waiting.indexOf(job);
    if (place >= 0) {
      waiting.splice(place, 1);
      tell({ state: "cancelled" });
    }
  };
}

async function next() {
  if (running >= AT_ONCE || !waiting.length) return;
  const job = waiting.shift();
  running += 1;
  try {
    job.tell({ state: "done", answer: await attempts(job) });
  } catch (problem) {
    if (problem instanceof Error) throw problem;
    job.tell(problem ? { state: "failed", problem } : { state: "cancelled" });
  } finally {
    running -= 1;
    next();
  }
}

/** A service that is busy says when to come again; a conversion may be repeated. */
async function attempts(job) {
  for (let left = TRIES; ; left -= 1) {
    const one = convert(job.file, job.query, (step, share) => job.tell({ state: step, share }));
    job.cancel = one.cancel;
    try {
      return await one.done;
    } catch (problem) {
      if (problem?.status !== 503 || left === 1) throw problem;
      await pause(job, problem.retry ?? PATIENCE_SECONDS);
    }
  }
}

function pause(job, seconds) {
  job.tell({ state: "busy", seconds });
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, seconds * 1000);
    job.cancel = () => {
      clearTimeout(timer);
      reject(null);
    };
  });
}
