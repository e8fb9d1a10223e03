// Keeping all results: as archives, since browsers stop after the tenth of many downloads at once.

import { element } from "./dom.js";
import { zip } from "./zip.js";

const MOST_BYTES = 4e9; // of an archive, below the 2^32 that every tool reads
const MOST_FILES = 60_000;
const TAKEN_MS = 60_000; // time in which a browser has begun a download

/** Downloads [{name, blob, date}] as grey.zip, and grey-2.zip if they are too much for one. */
export async function saveAll(files) {
  for (const [i, group] of grouped(distinct(files)).entries()) {
    download(await zip(group), i ? `grey-${i + 1}.zip` : "grey.zip");
  }
}

/** Numbers names that repeat, as the answer of /batch does: `photo-grey-2.jpg`. */
function distinct(files) {
  const seen = new Map();
  return files.map((file) => {
    const same = file.name.normalize().toLowerCase();
    const number = (seen.get(same) ?? 0) + 1;
    seen.set(same, number);
    return number === 1 ? file : { ...file, name: file.name.replace(/(?=\.\w+$)/, `-${number}`) };
  });
}

function grouped(files) {
  const groups = [[]];
  let bytes = 0;
  for (const file of files) {
    if (bytes + file.blob.size > MOST_BYTES || groups.at(-1).length === MOST_FILES) {
      groups.push([]);
      bytes = 0;
    }
    groups.at(-1).push(file);
    bytes += file.blob.size;
  }
  return groups;
}

function download(blob, name) {
  const href = URL.createObjectURL(blob);
  element("a", { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), TAKEN_MS);
}
