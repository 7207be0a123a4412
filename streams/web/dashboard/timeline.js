// The last windows as columns; each is a button that shows its window.

import { make, mark } from "./dom.js";

/** Width of a column with its gap, in px: a finger has to hit it. */
const COLUMN_PX = 26;
const FEWEST = 6;

export class Timeline {
  #element;
  #nodes = [];

  /** `onChoose(column)` gets the column that somebody wants to see. */
  constructor(element, { onChoose }) {
    this.#element = element;
    this.columns = [];
    element.addEventListener("click", (event) => {
      const at = this.#nodes.indexOf(event.target.closest("button"));
      if (at >= 0) onChoose(this.columns[at]);
    });
    element.addEventListener("keydown", (event) => this.#move(event));
    this.measure();
  }

  /** The page's size has changed. */
  measure() {
    const width = this.#element.closest("main").clientWidth; // its own is 0 while it is hidden
    this.wanted = Math.max(FEWEST, Math.floor(width / COLUMN_PX));
  }

  /** Show columns as `view.js` makes them. */
  update(columns) {
    this.columns = columns;
    this.#element.hidden = columns.length < 2;
    while (this.#nodes.length > columns.length) this.#nodes.pop().remove();
    while (this.#nodes.length < columns.length) this.#add();
    columns.forEach(({ share, label, isOpen, isShown }, at) => {
      const button = this.#nodes[at];
      button.firstChild.style.height = `${Math.max(4, share * 100).toFixed(1)}%`;
      button.classList.toggle("is-open", isOpen);
      mark(button, "aria-pressed", isShown);
      mark(button, "aria-label", label);
      mark(button, "title", label);
      button.tabIndex = isShown ? 0 : -1;
    });
    if (!columns.some(({ isShown }) => isShown) && columns.length > 0) this.#nodes[0].tabIndex = 0;
  }

  #add() {
    const button = make("button", { type: "button" }, make("span"));
    this.#nodes.push(button);
    this.#element.append(button);
  }

  #move(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const next = this.#nodes[this.#nodes.indexOf(document.activeElement) + (step ?? 0)];
    if (step === undefined || next === undefined) return;
    event.preventDefault();
    next.focus();
  }
}
