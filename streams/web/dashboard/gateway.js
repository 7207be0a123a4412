// The gateway's addresses: how this page asks for a stream, and for what was before it.

const PROTOCOL = "tally.v1";
const TOKEN_PROTOCOL = "tally.bearer.";

export class Gateway {
  token = "";
  /** The keys that are asked for; "*" stands for all. */
  keys = ["*"];

  #parameter;
  #base;

  /** `base` is the page's own address. */
  constructor(parameter, base) {
    this.#parameter = parameter;
    this.#base = base;
  }

  /**
   * Where a stream is: live results, counts of the open window, and all since the cursor. Without
   * `conflate`: a page that is too slow is thrown out, comes back, and still misses no window.
   */
  address(cursor) {
    const url = new URL("/ws", this.#base);
    url.searchParams.set(this.#parameter, this.keys.join(","));
    url.searchParams.set("provisional", "1");
    if (cursor !== null) url.searchParams.set("since", cursor);
    return url;
  }

  /** A WebSocket; the token travels as a protocol, since a page can't set headers. */
  open(cursor) {
    const url = this.address(cursor);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const protocols = this.token ? [PROTOCOL, TOKEN_PROTOCOL + this.token] : [PROTOCOL];
    return new WebSocket(url, protocols);
  }

  /** How the gateway refuses a stream, as `{status, reason}`; 0 if it doesn't answer. */
  async diagnose(cursor) {
    const response = await this.#fetch(this.address(cursor)).catch(() => null);
    if (response === null) return { status: 0, reason: "" };
    const problem = await response.json().catch(() => null);
    return { status: response.status, reason: problem?.detail ?? "" };
  }

  /** An action that changes nothing, but is answered. */
  ping() {
    return JSON.stringify(this.action("subscribe", this.keys.slice(0, 1)));
  }

  action(action, keys) {
    return { action, keys, parameter: this.#parameter };
  }

  /** The newest closed window's largest counts as records, or none. */
  async latest() {
    if (this.#parameter !== "hashtag") return [];
    const found = await this.#ask(new URL("/windows/latest?top=100", this.#base));
    return (found?.top ?? []).map((count) => ({
      key: count.hashtag,
      value: { ...count, window_start: found.window_start, window_end: found.window_end },
    }));
  }

  /** A hashtag's counts in the last windows as [start, count] pairs. */
  async history(key) {
    if (this.#parameter !== "hashtag") return [];
    const found = await this.#ask(new URL(`/hashtags/${encodeURIComponent(key)}`, this.#base));
    return (found?.windows ?? []).map((window) => [window.window_start, window.count]);
  }

  /** The answer, or null: all of this is a bonus, and the page goes on without it. */
  async #ask(url) {
    const response = await this.#fetch(url).catch(() => null);
    return response?.ok ? response.json().catch(() => null) : null;
  }

  #fetch(url) {
    const headers = this.token ? { Authorization: `Bearer ${this.token}` } : {};
    return fetch(url, { headers, cache: "no-store", signal: AbortSignal.timeout(5000) });
  }
}
