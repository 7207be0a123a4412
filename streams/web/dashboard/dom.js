// Short hands for making and changing elements; text always goes in as text.

const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes and children. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** The same for SVG. */
export function draw(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Set a text only if it is another one: the browser then has nothing to lay out. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Set an attribute, or take it away with null; only if it is another one. */
export function mark(element, name, value) {
  if (value === null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
}

/**
 * Make `parent` hold `wanted` in this order. The element that has the focus is never moved, since it
 * would lose it; the others are moved around it.
 */
export function arrange(parent, wanted) {
  const keep = new Set(wanted);
  for (const child of [...parent.children]) if (!keep.has(child)) child.remove();
  const focused = wanted.find((element) => element.contains(document.activeElement));
  let next = null;
  for (const element of wanted.toReversed()) {
    const stays = element === focused && element.parentNode === parent;
    if (!stays && (element.parentNode !== parent || element.nextSibling !== next)) {
      parent.insertBefore(element, next);
    }
    next = element;
  }
}
