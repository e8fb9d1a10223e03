// The options, as the service itself describes them: its OpenAPI description is the only list.

import { element, find, prose } from "./dom.js";

const root = find("#options");
const form = find("form", root);

/** Fills the form from `/openapi.json`; without it the page converts with the service's defaults. */
export async function load() {
  const answer = await fetch("openapi.json");
  const { paths, info } = await answer.json();
  form.append(...paths["/convert"].post.parameters.filter((one) => one.in === "query").map(field));
  form.addEventListener("input", tell);
  form.addEventListener("submit", (event) => event.preventDefault());
  tell();
  find("#version").textContent = info.version;
}

/** The query of what differs from the defaults, with its question mark, or "". */
export function query() {
  const chosen = [...form.elements].filter((one) => one.value && one.value !== one.dataset.default);
  const text = new URLSearchParams(chosen.map((one) => [one.name, one.value])).toString();
  return text && `?${text}`;
}

/** Whether all values are allowed; says so at the one that is not. */
export function valid() {
  if (form.checkValidity()) return true;
  root.open = true;
  return form.reportValidity();
}

function field({ name, description, schema }) {
  const control = schema.enum ? choice(name, schema) : number(name, schema);
  control.setAttribute("aria-describedby", `${name}-meaning`);
  return element("div", {},
    element("label", { htmlFor: control.id }, name),
    control,
    element("p", { id: `${name}-meaning` }, ...prose(description)),
  );
}

function choice(name, schema) {
  const values = schema.enum.filter((value) => !(schema["x-aliases"] ?? []).includes(value));
  const control = element("select", { id: `option-${name}`, name });
  control.append(...values.map((value) => element("option", { value }, value)));
  control.dataset.default = values[0];
  return control;
}

function number(name, { minimum, maximum }) {
  const bounds = { min: minimum, max: maximum, step: 1, placeholder: `${minimum} to ${maximum}` };
  return element("input", { type: "number", id: `option-${name}`, name, ...bounds });
}

function tell() {
  const chosen = query();
  find("#chosen").textContent = chosen ? decodeURIComponent(chosen.slice(1)).replaceAll("&", ", ") : "defaults";
  const url = new URL(`convert${chosen}`, document.baseURI);
  find("#command").textContent = `curl --data-binary @photo.jpg '${url}' -o grey`;
}
