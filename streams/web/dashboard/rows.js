// The ranking on the page. Only rows that can be seen have elements, however many there are.

import { arrange, make, mark, say } from "./dom.js";
import { Spark } from "./sparks.js";

/** Rows beyond the window's edge that exist already, so that keys can go there. */
const BEYOND = 4;

export class RowList {
  #element;
  #nodes = new Map();
  #current = null; // the key of the row that had the focus last, to which Tab leads back
  #height = 46;

  /** `onFollow(key)` is called when somebody follows a key, or doesn't any more. */
  constructor(element, { onFollow }) {
    this.#element = element;
    element.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button !== null) onFollow(button.closest("li").dataset.key);
    });
    element.addEventListener("keydown", (event) => this.#move(event));
    element.addEventListener("focusin", (event) => {
      this.#current = event.target.closest("li")?.dataset.key ?? this.#current;
    });
    this.measure();
  }

  /** The keys of the rows that can be seen, or nearly. */
  get keys() {
    return [...this.#nodes.keys()];
  }

  /** The page's size has changed. */
  measure() {
    this.#height = this.#element.querySelector("li")?.offsetHeight || rowHeight(this.#element);
  }

  /** Show rows as `view.js` makes them; `series(key)` gives a key's numbers over time. */
  update(rows, { kind, words, series, isFollowed }) {
    this.#element.style.height = `${rows.length * this.#height}px`;
    const shown = this.#visible(rows);
    const keys = new Set(shown.map((row) => row.key));
    const current = keys.has(this.#current) ? this.#current : shown[0]?.key;
    const nodes = shown.map((row) => {
      const node = this.#nodes.get(row.key) ?? new Row(row.key, words);
      this.#nodes.set(row.key, node);
      node.update(row, rows.length, this.#height);
      node.spark.update(series(row.key), kind);
      node.follow(isFollowed(row.key), words);
      node.button.tabIndex = row.key === current ? 0 : -1;
      return node.element;
    });
    arrange(this.#element, nodes);
    for (const key of this.#nodes.keys()) if (!keys.has(key)) this.#nodes.delete(key);
  }

  /** Those within the browser's window, and the one that has the focus. */
  #visible(rows) {
    const { top } = this.#element.getBoundingClientRect();
    const first = Math.floor(-top / this.#height) - BEYOND;
    const last = Math.ceil((window.innerHeight - top) / this.#height) + BEYOND;
    const focused = document.activeElement?.closest?.("li")?.dataset.key;
    return rows.filter(({ key }, at) => (at >= first && at < last) || key === focused);
  }

  #move(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step === undefined) return;
    const nodes = [...this.#element.children];
    const at = nodes.indexOf(event.target.closest("li"));
    const next = nodes[at + step];
    if (next === undefined) return;
    event.preventDefault();
    next.querySelector("button").focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  }
}

class Row {
  spark = new Spark(112, 28);
  #parts;

  constructor(key, words) {
    const parts = {
      rank: make("span", { class: "rank" }),
      name: make("span", { class: "name" }, `${words.sign}${key}`),
      closed: make("span", { class: "bar" }),
      open: make("span", { class: "bar bar-open" }),
      number: make("span", { class: "number" }),
      change: make("span", { class: "change" }),
      soFar: make("span", { class: "hidden" }),
    };
    parts.name.title = `${words.sign}${key}`;
    this.#parts = parts;
    this.button = make("button", { type: "button", class: "follow" });
    this.element = make(
      "li",
      { class: "row" },
      parts.rank,
      parts.name,
      make("span", { class: "bars", "aria-hidden": "true" }, parts.closed, parts.open),
      make("span", { class: "figures" }, parts.number, parts.change, parts.soFar),
      this.spark.element,
      this.button,
    );
    this.element.dataset.key = key;
  }

  update(row, size, height) {
    const { rank, closed, open, number, change, soFar } = this.#parts;
    this.element.style.transform = `translateY(${(row.rank - 1) * height}px)`;
    this.element.classList.toggle("is-open", row.isOpen);
    mark(this.element, "aria-setsize", size);
    mark(this.element, "aria-posinset", row.rank);
    say(rank, String(row.rank));
    say(number, row.text);
    say(change, row.change);
    change.classList.toggle("rises", row.rises);
    say(soFar, row.openText && `, ${row.openText} so far in the open window`);
    closed.style.width = `${(row.share * 100).toFixed(2)}%`;
    open.style.width = `${(row.openShare * 100).toFixed(2)}%`;
  }

  follow(isFollowed, words) {
    mark(this.button, "aria-pressed", isFollowed);
    mark(this.button, "aria-label", `Follow ${words.sign}${this.element.dataset.key}`);
  }
}

function rowHeight(element) {
  const probe = element.appendChild(make("li", { class: "row" }));
  const height = probe.offsetHeight;
  probe.remove();
  return height;
}
