// The connection's state on the page: the badge, the line below it, and the form for a token.

import { mark, say } from "./dom.js";
import { announcement, statusOf } from "./status.js";

/** A loss is worth a line, which moves the page, only if it lasts longer than that. */
const PATIENCE_MS = 1500;

export class StatusBar {
  #badge = document.getElementById("badge");
  #notice = document.getElementById("notice");
  #detail = document.getElementById("notice-text");
  #retry = document.getElementById("retry");
  #form = document.getElementById("token-form");
  #voice = document.getElementById("voice");
  #heard = "idle";
  #well = null; // when all was well, in ms

  /** `onRetry()` and `onToken(token)` are called when somebody asks for it. */
  constructor({ onRetry, onToken }) {
    this.#retry.addEventListener("click", onRetry);
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      onToken(new FormData(this.#form).get("token").trim());
      this.#form.reset();
    });
  }

  /** Show a connection's state; `hint` is said if the state has nothing to say. */
  update(state, facts, hint) {
    const { tone, text, canRetry, needsToken, ...rest } = statusOf(state, facts);
    if (tone === "good" || this.#well === null) this.#well = facts.now;
    const isBrief = !needsToken && facts.now - this.#well < PATIENCE_MS;
    const detail = isBrief ? "" : rest.detail;
    mark(this.#badge, "data-tone", tone);
    say(this.#badge.querySelector("span"), text);
    say(this.#detail, detail || hint);
    mark(this.#notice, "data-tone", detail ? tone : "calm");
    this.#notice.hidden = !(detail || hint);
    this.#retry.hidden = !canRetry || !detail;
    this.#form.hidden = !needsToken;
    // Between two attempts it is still the same loss.
    if (state.name === "connecting" || state.name === this.#heard) return;
    this.speak(announcement(this.#heard, state.name));
    this.#heard = state.name;
  }

  /** Tell a screen reader, once it has nothing else to say. */
  speak(text) {
    if (text) this.#voice.textContent = text;
  }
}
