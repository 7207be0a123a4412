// What the page knows: the numbers of the last windows by key, and those of the open one.
//
// All of it is bounded, however much comes: the newest windows are kept whole (up to a limit), from
// older ones only the largest numbers and the keys that somebody follows.

import { top } from "./ranking.js";

const LIMITS = {
  /** Windows that are remembered. */
  windows: 30,
  /** Of these, the newest that are kept whole. */
  whole: 3,
  /** Keys of an older one. */
  older: 500,
  /** Keys of a whole one. */
  keys: 50_000,
  /** Keys with a history of their own. */
  histories: 60,
};

/** A new window is shown once no result has come for so long... */
const SETTLED_MS = 100;
/** ...or once it is so old. Otherwise the page would flicker through a window's first few keys. */
const LONG_ENOUGH_MS = 1000;

export class Model {
  /** "count": numbers of a window stand alone. "price": a key has its last number until the next. */
  kind = "count";
  /** Whether this key must not be forgotten. */
  isFollowed = () => false;

  #limits;
  #windows = []; // by their start
  #open = null;
  #histories = new Map();

  constructor(limits = {}) {
    this.#limits = { ...LIMITS, ...limits };
  }

  /** Closed windows, oldest first: `{start, end, numbers, ranges, total, version, isPartial}`. */
  get windows() {
    return this.#windows;
  }

  /** The window that is being counted, or null. */
  get open() {
    return this.#open;
  }

  /** A final result has come at the time `now`. */
  add({ key, kind, number, range, start, end }, now) {
    this.kind = kind;
    const window = this.#window(start, end, now);
    if (window === null) return;
    put(window, key, number);
    if (range !== null) window.ranges.set(key, range);
    window.changedAt = now;
    this.#bound(window, this.#limits.keys);
    if (this.#open !== null && this.#open.start <= start) this.#open = null;
  }

  /** A number that is still growing. */
  addProvisional({ key, number, start, end }) {
    const newest = this.#windows.at(-1);
    if (newest !== undefined && start <= newest.start) return;
    if (this.#open === null || start > this.#open.start) this.#open = made(start, end, 0);
    if (start < this.#open.start) return;
    put(this.#open, key, number);
    this.#bound(this.#open, this.#limits.keys);
  }

  /** The largest numbers of a window that closed before the page came; the rest isn't known. */
  addPartial(items, now) {
    const start = items[0]?.start;
    if (start === undefined || this.#windows.some((window) => window.start === start)) return;
    for (const item of items) this.add(item, now);
    const window = this.#windows.find((one) => one.start === start);
    if (window !== undefined) window.isPartial = true;
  }

  /** Numbers of one key from before the page came, as [start, number] pairs. */
  remember(key, numbers) {
    this.#histories.delete(key);
    this.#histories.set(key, new Map(numbers));
    if (this.#histories.size > this.#limits.histories) {
      this.#histories.delete(this.#histories.keys().next().value);
    }
  }

  /** The newest window that is fit to be shown; null without any. */
  newest(now) {
    const newest = this.#windows.at(-1) ?? null;
    return this.isSettled(now) ? newest : (this.#windows.at(-2) ?? newest);
  }

  /** Whether the newest window has most likely all of its results. */
  isSettled(now) {
    const newest = this.#windows.at(-1);
    if (newest === undefined) return true;
    return now - newest.changedAt >= SETTLED_MS || now - newest.madeAt >= LONG_ENOUGH_MS;
  }

  /** The window that begins at `start`, or null. */
  windowAt(start) {
    return this.#windows.find((window) => window.start === start) ?? null;
  }

  /** The window before this one, or null. */
  before(window) {
    return this.#windows[this.#windows.indexOf(window) - 1] ?? null;
  }

  /** Numbers by key, up to and with this window: for prices the last that each key had. */
  numbersOf(window) {
    if (this.kind === "count") return window.numbers;
    const numbers = new Map();
    for (const one of this.#windows) {
      if (one.start > window.start) break;
      for (const [key, number] of one.numbers) numbers.set(key, number);
    }
    return numbers;
  }

  /**
   * A key's numbers over time, oldest first, as [start, number] pairs; for counts, a window that
   * has none of this key is a 0.
   */
  series(key) {
    const points = new Map(this.#histories.get(key));
    for (const window of this.#windows) {
      const number = window.numbers.get(key);
      if (number !== undefined) points.set(window.start, number);
      else if (this.kind === "count" && !points.has(window.start) && !window.isPartial) {
        points.set(window.start, 0);
      }
    }
    return [...points].sort(([a], [b]) => a - b).slice(-this.#limits.windows);
  }

  #window(start, end, now) {
    const at = this.#windows.findLastIndex((window) => window.start <= start);
    if (at >= 0 && this.#windows[at].start === start) return this.#windows[at];
    if (at < 0 && this.#windows.length >= this.#limits.windows) return null;
    const window = made(start, end, now);
    this.#windows.splice(at + 1, 0, window);
    if (this.#windows.length > this.#limits.windows) this.#windows.shift();
    for (const older of this.#windows.slice(0, -this.#limits.whole)) {
      this.#bound(older, this.#limits.older);
    }
    return window;
  }

  #bound(window, limit) {
    if (window.numbers.size <= limit) return;
    // By half, so that this is rare.
    const kept = new Map(top(window.numbers, Math.ceil(limit / 2)));
    for (const [key, number] of window.numbers) {
      if (this.isFollowed(key)) kept.set(key, number);
    }
    window.numbers = kept;
    for (const key of window.ranges.keys()) if (!kept.has(key)) window.ranges.delete(key);
    window.version++;
  }
}

function made(start, end, now) {
  const times = { start, end, madeAt: now, changedAt: now };
  return { ...times, numbers: new Map(), ranges: new Map(), total: 0, keys: 0, version: 0 };
}

/** `total` and `keys` count also what is forgotten later. */
function put(window, key, number) {
  const before = window.numbers.get(key);
  if (before === undefined) window.keys++;
  window.total += number - (before ?? 0);
  window.numbers.set(key, number);
  window.version++;
}
