// All of the page that isn't a list: headline, search, the line below the timeline, empty states.

import { make, mark, say } from "./dom.js";
import { wordsOf } from "./words.js";

const get = (id) => document.getElementById(id);

export class Page {
  #words;
  #query = get("query");

  /** The callbacks are called when somebody asks for it. */
  constructor(words, parameter, parameters, { onQuery, onFollow, onAll, onNewest, onResize, onScroll }) {
    this.#words = words;
    document.title = `${words.title} · Tally`;
    say(get("title"), words.title);
    mark(this.#query, "placeholder", `Find a ${words.one}`);
    say(document.querySelector("label[for=query]"), `Find a ${words.one}`);
    showTabs(parameter, parameters);

    this.#query.addEventListener("input", () => onQuery(this.#query.value));
    get("search").addEventListener("submit", (event) => {
      event.preventDefault();
      onFollow();
    });
    get("follow-query").addEventListener("click", onFollow);
    get("all").addEventListener("click", onAll);
    get("newest").addEventListener("click", onNewest);
    addEventListener("keydown", (event) => this.#shortcut(event, { onQuery, onNewest }));
    addEventListener("resize", onResize);
    addEventListener("scroll", onScroll, { passive: true });
  }

  /** Show all of it anew; see `main.js` for what it gets. */
  update({ about, countdown, query, shown, found, all, isFollowed, isNewest, kind }) {
    say(get("span"), about.span);
    say(get("summary"), about.summary);
    say(get("state"), about.state);
    get("state").hidden = !about.state;
    get("state").classList.toggle("is-open", about.state === "provisional");
    this.#updateWindows(countdown, isNewest, kind, Boolean(about.span));
    this.#updateSearch(query, found, isFollowed);
    get("empty").hidden = Boolean(query) || shown > 0;
    get("all").hidden = !all && shown >= found;
    say(get("all"), all ? "Show fewer" : `Show all ${found.toLocaleString()}`);
    get("legend").hidden = kind !== "count";
    get("price-legend").hidden = kind !== "price";
    mark(get("rows"), "data-kind", kind);
  }

  #updateWindows(countdown, isNewest, kind, hasWindow) {
    get("history").hidden = kind !== "count" || !hasWindow;
    say(get("countdown").firstElementChild, countdown?.text ?? "");
    get("progress").firstElementChild.style.width = `${(countdown?.share ?? 0) * 100}%`;
    get("progress").hidden = countdown === null;
    get("newest").hidden = isNewest;
  }

  #updateSearch(query, found, isFollowed) {
    const { sign, one, many } = this.#words;
    get("hits").hidden = !query;
    if (!query) return say(get("found"), "");
    const amount = found === 1 ? `1 ${one}` : `${found.toLocaleString()} ${many}`;
    say(get("found"), `${found ? amount : `No ${one}`} with “${query}” in this window`);
    say(get("follow-query"), isFollowed ? `Following ${sign}${query}` : `Follow ${sign}${query}`);
    get("follow-query").disabled = isFollowed;
    return undefined;
  }

  #shortcut(event, { onQuery, onNewest }) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/" && !(event.target instanceof HTMLInputElement)) {
      event.preventDefault();
      this.#query.focus();
    } else if (event.key === "Escape") {
      this.#query.value = "";
      onQuery("");
      onNewest();
    }
  }
}

/** One for each parameter, if there is a choice. */
function showTabs(parameter, parameters) {
  const tabs = get("tabs");
  tabs.hidden = parameters.length < 2;
  for (const one of parameters) {
    const link = make("a", { href: `?parameter=${encodeURIComponent(one)}` }, wordsOf(one).tab);
    if (one === parameter) link.setAttribute("aria-current", "page");
    tabs.append(link);
  }
}
