// One request: the file goes up as it is, the grey picture comes back.
// XMLHttpRequest, since fetch does not tell how far an upload is.

import { problem, unanswered } from "./problem.js";

/** Starts a conversion. `progress` hears ("upload" | "work" | "download", share or null).
 *  `done` is a promise of {blob, headers, times}; it rejects with a problem, or null when cancelled. */
export function convert(file, query, progress) {
  const request = new XMLHttpRequest();
  const times = { begin: performance.now() };
  const done = new Promise((resolve, reject) => {
    request.open("POST", `convert${query}`);
    request.responseType = "blob";
    request.upload.onprogress = (event) => progress("upload", event.loaded / event.total);
    request.upload.onload = () => {
      times.uploaded = performance.now();
      progress("work", null);
    };
    request.onreadystatechange = () => {
      if (request.readyState === XMLHttpRequest.HEADERS_RECEIVED) times.answered = performance.now();
    };
    request.onprogress = (event) => progress("download", event.total ? event.loaded / event.total : null);
    request.onload = async () => {
      times.end = performance.now();
      const header = (name) => request.getResponseHeader(name);
      if (request.status === 200) resolve({ blob: request.response, header, times });
      else reject(await problem(request.status, request.response, header("Retry-After")));
    };
    request.onerror = async () => reject(await unanswered(file));
    request.onabort = () => reject(null);
    request.send(file);
  });
  return { done, cancel: () => request.abort() };
}
