// The list of pictures: what became of each, and what can be done with it.

import { find } from "./dom.js";
import { described } from "./problem.js";
import { enqueue } from "./queue.js";
import { bytes, change, count } from "./words.js";

const section = find("#pictures");
const list = find("ul", section);
const template = find("#picture");

const SAID = {
  waiting: () => "waiting",
  upload: ({ share }) => `uploading, ${Math.round(share * 100)} %`,
  work: () => "converting",
  download: () => "coming back",
  busy: ({ seconds, answered }) => `${answered ? "the service is busy" : "no connection"}, again in ${seconds} s`,
  cancelled: () => "cancelled",
  failed: () => "not converted",
  done: ({ answer }, file) => `${bytes(file.size)} → ${bytes(answer.blob.size)}, ${change(file.size, answer.blob.size)}`,
};
const OVER = new Set(["cancelled", "failed", "done"]);
const EXTENSIONS = { "image/jpeg": "jpg", "image/tiff": "tif" };

/** One picture of the list. `on` hears: shown(picture), changed(picture), removed(picture). */
export class Picture {
  state = "waiting";
  answer = null;

  constructor(file, on) {
    this.file = file;
    this.on = on;
    this.row = template.content.cloneNode(true).firstElementChild;
    find(".name", this.row).textContent = file.name;
    find("progress", this.row).ariaLabel = `Progress of ${file.name}`;
    this.row.addEventListener("click", (event) => this.act(event.target));
    list.append(this.row);
  }

  get isOver() {
    return OVER.has(this.state);
  }

  /** The name of the result's file. */
  get saved() {
    const { type } = this.answer.blob;
    return `${this.file.name.replace(/\.[^.]*$/, "")}-grey.${EXTENSIONS[type] ?? type.split("/")[1]}`;
  }

  convert(query) {
    this.forget();
    this.cancel = enqueue(this.file, query, (news) => this.tell(news));
  }

  tell(news) {
    this.state = news.state;
    if (news.answer) this.keep(news.answer);
    this.row.dataset.state = news.state;
    find(".state", this.row).textContent = SAID[news.state](news, this.file);
    this.measure(news.share);
    this.explain(news.problem);
    this.offer();
    this.on.changed(this);
  }

  keep(answer) {
    this.answer = answer;
    const link = find("[data-do=save]", this.row);
    link.href = URL.createObjectURL(answer.blob);
    link.download = this.saved;
  }

  measure(share) {
    const progress = find("progress", this.row);
    progress.hidden = this.isOver;
    if (share === undefined || share === null) progress.removeAttribute("value");
    else progress.value = share;
  }

  explain(problem) {
    const box = find(".problem", this.row);
    box.hidden = !problem;
    box.replaceChildren(...(problem ? described(problem) : []));
  }

  offer() {
    const useful = { cancel: !this.isOver, again: this.isOver, save: Boolean(this.answer), remove: this.isOver };
    for (const [action, shown] of Object.entries(useful)) {
      const control = find(`[data-do=${action}]`, this.row);
      control.hidden = !shown;
      control.ariaLabel = `${control.textContent} ${this.file.name}`;
    }
    find(".name", this.row).disabled = !this.answer;
  }

  act(target) {
    if (target.matches(".name")) this.on.shown(this);
    if (target.dataset.do === "cancel") this.cancel();
    if (target.dataset.do === "again") this.on.again(this);
    if (target.dataset.do === "remove") this.remove();
  }

  remove() {
    if (!this.isOver) this.cancel();
    this.forget();
    this.row.remove();
    this.on.removed(this);
  }

  forget() {
    const link = find("[data-do=save]", this.row);
    if (this.answer) URL.revokeObjectURL(link.href);
    this.answer = null;
  }
}

/** Says how many there are, how many are ready and how many failed. */
export function tally(pictures) {
  const done = pictures.filter((one) => one.answer).length;
  const failed = pictures.filter((one) => one.state === "failed").length;
  section.hidden = !pictures.length;
  document.body.classList.toggle("busy", pictures.some((one) => !one.isOver));
  document.body.classList.toggle("filled", Boolean(pictures.length));
  const said = [`${done} of ${count(pictures.length, "picture")} ready`, ...(failed ? [`${failed} not converted`] : [])];
  find("#tally").textContent = pictures.length > 1 ? said.join(", ") : "";
  find("#save-all").hidden = done < 2;
  find("#retry").hidden = failed < 2;
}
