// Errors of the service (RFC 9457), as values and as something to read.

import { element } from "./dom.js";
import { amount } from "./words.js";

const PASSING = new Set([0, 429, 502, 503]);

/** The problem in an answer's body; what stands between us and the service may answer in other forms. */
export async function problem(status, blob, retryAfter) {
  const retry = /^\d+$/.test(retryAfter) ? Number(retryAfter) : undefined;
  const foreign = { title: `The answer was ${status}`, detail: "It did not come from Grisaille itself." };
  try {
    const said = JSON.parse(await blob.text());
    return { ...(said.title ? said : foreign), status, retry };
  } catch {
    return { ...foreign, status, retry };
  }
}

/** Why there was no answer: the file is not there any more, or the connection broke. */
export async function unanswered(file) {
  try {
    const reader = file.stream().getReader();
    await reader.read();
    reader.cancel();
  } catch {
    return { title: "The file cannot be read", detail: `${file.name} was moved or changed, or is a folder. Choose it again.` };
  }
  return {
    status: 0,
    title: "The connection broke",
    detail: `The service did not answer for ${file.name}: it is not reachable, or it refused the upload before it was complete.`,
  };
}

/** Whether the same may go well a little later. */
export const passes = ({ status }) => PASSING.has(status);

/** The problem as elements: what happened, and the limit that was hit. */
export function described({ title, detail, limit, actual, setting, request_id: id }) {
  const said = [element("strong", {}, title), element("p", {}, detail)];
  if (limit !== undefined) {
    said.push(
      element("dl", {},
        element("dt", {}, "Limit"), element("dd", {}, amount(limit, setting)),
        element("dt", {}, "This picture"), element("dd", {}, amount(actual, setting)),
        element("dt", {}, "Setting"), element("dd", {}, element("code", {}, setting)),
      ),
    );
  }
  if (id) said.push(element("small", {}, `Request ${id}`));
  return said;
}
