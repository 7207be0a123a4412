// The cards of those keys that somebody follows.

import { arrange, make, mark, say } from "./dom.js";
import { Spark } from "./sparks.js";

export class Cards {
  #section;
  #list;
  #nodes = new Map();

  /** `onLeave(key)` is called when somebody has had enough of a key. */
  constructor(section, { onLeave }) {
    this.#section = section;
    this.#list = section.querySelector("ul");
    this.#list.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button === null) return;
      const keys = [...this.#nodes.keys()];
      const key = button.closest("li").dataset.key;
      const next = keys[keys.indexOf(key) + 1] ?? keys[keys.indexOf(key) - 1];
      // The button goes away with its card: the focus has to go somewhere.
      this.#nodes.get(next)?.button.focus();
      onLeave(key);
    });
  }

  /** Show cards as `view.js` makes them. */
  update(cards, { kind, words, series }) {
    this.#section.hidden = cards.length === 0;
    const keys = new Set(cards.map((card) => card.key));
    for (const key of this.#nodes.keys()) if (!keys.has(key)) this.#nodes.delete(key);
    const nodes = cards.map((card) => {
      const node = this.#nodes.get(card.key) ?? new Card(card.key, words);
      this.#nodes.set(card.key, node);
      node.update(card);
      node.spark.update(series(card.key), kind);
      return node.element;
    });
    arrange(this.#list, nodes);
  }
}

class Card {
  spark = new Spark(220, 44);
  #number = make("span", { class: "card-number" });
  #change = make("span", { class: "change" });
  #detail = make("span", { class: "card-detail" });
  #open = make("span", { class: "card-open" });

  constructor(key, words) {
    const name = `${words.sign}${key}`;
    this.button = make("button", { type: "button", class: "leave", "aria-label": `Unfollow ${name}` });
    this.element = make(
      "li",
      { class: "card" },
      make("h3", { title: name }, name),
      this.button,
      make("p", { class: "card-figures" }, this.#number, this.#change),
      this.spark.element,
      make("p", { class: "card-foot" }, this.#detail, this.#open),
    );
    this.element.dataset.key = key;
  }

  update({ text, change, rises, detail, openText }) {
    say(this.#number, text);
    say(this.#change, change);
    this.#change.classList.toggle("rises", rises);
    say(this.#detail, detail);
    say(this.#open, openText && `${openText} so far`);
    mark(this.#open, "title", openText ? "of the open window, provisional" : null);
  }
}
