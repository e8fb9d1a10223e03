// Pictures wait here, so that sixty at once do not share one connection's bandwidth sixty ways.

import { convert } from "./convert.js";
import { passes } from "./problem.js";

const AT_ONCE = 3;
const TRIES = 6;
const FIRST_PAUSE_SECONDS = 1; // then twice as long each time: a gateway is there again within half a minute

const waiting = [];
let running = 0;

/** Puts a conversion in line. `tell` hears of each state; returns how to cancel it. */
export function enqueue(file, query, tell) {
  const job = { file, query, tell, cancel: null, isCancelled: false };
  waiting.push(job);
  tell({ state: "waiting", share: 0 });
  next();
  return () => {
    job.isCancelled = true;
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

/** A service that is busy says when to come again, one that restarts says nothing; a conversion may be repeated. */
async function attempts(job) {
  for (let tried = 1; ; tried += 1) {
    const one = convert(job.file, job.query, (step, share) => job.tell({ state: step, share }));
    job.cancel = one.cancel;
    try {
      return await one.done;
    } catch (problem) {
      if (!problem || job.isCancelled) throw null; // perhaps while the problem was still being read
      if (!passes(problem) || tried === TRIES) throw problem;
      await pause(job, problem.retry ?? FIRST_PAUSE_SECONDS * 2 ** (tried - 1), Boolean(problem.status));
    }
  }
}

function pause(job, seconds, answered) {
  job.tell({ state: "busy", share: 0, seconds, answered });
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, seconds * 1000);
    job.cancel = () => {
      clearTimeout(timer);
      reject(null);
    };
  });
}
