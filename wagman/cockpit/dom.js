// Elements, made of text only: nothing that comes from elsewhere is ever read as HTML.

const SVG = "http://www.w3.org/2000/svg";

// What a screen would obey instead of showing it: control characters, and those that turn the direction of writing.
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

// Text from elsewhere on one line.
export function plain(text) {
  return String(text).replace(UNSEEN, (each) => `\\u${each.codePointAt(0).toString(16).padStart(4, "0")}`);
}

export function el(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name, value);
    else if (typeof value === "boolean") node.toggleAttribute(name, value);
    else node.setAttribute(name, value);
  }
  for (const child of children) node.append(typeof child === "string" ? plain(child) : child);
  return node;
}

// Only what differs is written: who reads it, with eyes or ears, is not to lose the place.
export function write(node, text) {
  const wanted = plain(text);
  if (node.textContent !== wanted) node.textContent = wanted;
  node.hidden = wanted === "";
}

// Make the children of a node these elements, in this order, and touch none that is in its place.
export function arrange(node, children) {
  children.forEach((child, place) => {
    if (node.children[place] !== child) node.insertBefore(child, node.children[place] ?? null);
  });
  while (node.children.length > children.length) node.lastElementChild.remove();
}

// A list of texts, each with an element of its own.
export function list(node, texts, make = (text) => el("li", {}, text)) {
  const wanted = JSON.stringify(texts);
  if (node.dataset.shown === wanted) return;
  node.dataset.shown = wanted;
  node.replaceChildren(...texts.map(make));
}
