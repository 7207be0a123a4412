// The connection's state on the page: the badge, the line below it, and the form for a token.

import { mark, say } from "./dom.js";
import { announcement, statusOf } from "./status.js";

export class StatusBar {
  #badge = document.getElementById("badge");
  #notice = document.getElementById("notice");
  #detail = document.getElementById("notice-text");
  #retry = document.getElementById("retry");
  #form = document.getElementById("token-form");
  #voice = document.getElementById("voice");
  #heard = "idle";

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
    const { tone, text, detail, canRetry, needsToken } = statusOf(state, facts);
    mark(this.#badge, "data-tone", tone);
    say(this.#badge.querySelector("span"), text);
    say(this.#detail, detail || hint);
    mark(this.#notice, "data-tone", detail ? tone : "calm");
    this.#notice.hidden = !(detail || hint);
    this.#retry.hidden = !canRetry;
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
