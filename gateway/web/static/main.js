// The page: pictures come in, each is converted, one of them is looked at.

import { find } from "./dom.js";
import * as options from "./options.js";
import { onPictures } from "./pick.js";
import { Picture, tally } from "./pictures.js";
import { saveAll } from "./save.js";
import { hide, show } from "./shown.js";

let pictures = [];
let looked = null;
let isCounting = false;

const on = {
  shown: look,
  again(picture) {
    if (options.valid()) picture.convert(options.query());
  },
  changed(picture) {
    count();
    if (!picture.isOver) return;
    say(`${picture.file.name}: ${find(".state", picture.row).textContent}. ${find(".problem", picture.row).textContent}`);
    const isFirst = !looked?.answer;
    if (picture.answer && (isFirst || looked === picture)) look(picture);
  },
  removed(picture) {
    pictures = pictures.filter((one) => one !== picture);
    count();
    if (looked !== picture) return;
    const next = pictures.find((one) => one.answer);
    if (next) look(next);
    else nothing();
    find("#files").focus({ preventScroll: true });
  },
};

function take(files) {
  if (!files.length || !options.valid()) return;
  const taken = files.map((file) => new Picture(file, on));
  pictures.push(...taken);
  taken.forEach((picture) => picture.convert(options.query()));
}

/** Counts once for whatever happens at the same time: a thousand pictures come at once. */
function count() {
  if (isCounting) return;
  isCounting = true;
  queueMicrotask(() => {
    isCounting = false;
    tally(pictures);
  });
}

function look(picture) {
  looked = picture;
  for (const one of pictures) find(".name", one.row).setAttribute("aria-pressed", one === picture);
  show(picture);
}

function nothing() {
  looked = null;
  hide();
}

function say(text) {
  find("#status").textContent = text;
}

find("#save-all").addEventListener("click", async ({ target }) => {
  target.disabled = true;
  const kept = pictures.filter(({ answer }) => answer);
  await saveAll(kept.map(({ saved, answer, file }) => ({ name: saved, blob: answer.blob, date: new Date(file.lastModified) })));
  target.disabled = false;
});
find("#retry").addEventListener("click", () => {
  for (const picture of pictures.filter(({ state }) => state === "failed")) on.again(picture);
});
find("#clear").addEventListener("click", () => {
  nothing();
  for (const picture of [...pictures]) picture.remove();
  find("#files").focus({ preventScroll: true });
});
onPictures(take);
options.load();
