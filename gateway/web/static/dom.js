// Making elements. Text is only ever set as text, so nothing a name or an answer says becomes markup.

/** An element with properties and children; a property that is undefined is left alone. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined) continue;
    if (name in made) made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** Text with `code` in backticks as elements. */
export function prose(text) {
  return text.split("`").map((piece, i) => (i % 2 ? element("code", {}, piece) : piece));
}

export const find = (selector, within = document) => within.querySelector(selector);
