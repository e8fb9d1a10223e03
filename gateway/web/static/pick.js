// Pictures come by dropping them anywhere, by pasting, or by choosing files.

import { find } from "./dom.js";

/** Calls `take` with each list of files that someone brings. */
export function onPictures(take) {
  const chooser = find("#files");
  chooser.addEventListener("change", () => {
    take([...chooser.files]);
    chooser.value = ""; // so that the same file may be chosen again
  });
  document.addEventListener("paste", (event) => take([...event.clipboardData.files]));
  document.addEventListener("drop", async (event) => {
    event.preventDefault();
    document.body.classList.remove("dragging");
    take(await dropped(event.dataTransfer));
  });
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    document.body.classList.toggle("dragging", event.dataTransfer.types.includes("Files"));
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) document.body.classList.remove("dragging");
  });
}

/** All files of a drop, those of folders too. What it holds must be asked for before the event is over. */
async function dropped({ items, files }) {
  const entries = [...items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some((entry) => entry.isDirectory)) return [...files];
  return (await Promise.all(entries.map(filesOf))).flat();
}

async function filesOf(entry) {
  if (entry.isFile) return [await new Promise((resolve, reject) => entry.file(resolve, reject))];
  const inside = (await entriesOf(entry.createReader())).filter(({ name }) => !name.startsWith("."));
  inside.sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
  return (await Promise.all(inside.map(filesOf))).flat();
}

/** A reader gives some at a time, and none at the end. */
async function entriesOf(reader) {
  const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
  return some.length ? [...some, ...(await entriesOf(reader))] : [];
}
