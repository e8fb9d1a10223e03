// Errors of the service (RFC 9457), as values and as something to read.

import { element } from "./dom.js";
import { amount } from "./words.js";

/** The problem in an answer's body; what stands between us and the service may answer in other forms. */
export async function problem(status, blob, retryAfter) {
  const retry = retryAfter ? Number(retryAfter) : undefined;
  try {
    return { ...JSON.parse(await blob.text()), retry };
  } catch {
    return { status, title: `The answer was ${status}`, detail: "It did not come from Grisaille itself.", retry };
  }
}

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
