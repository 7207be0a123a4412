// From what is known to what is shown: all that can be computed without a browser.

import { asAmount, asChange, asClock, asNumber, asSeconds, asSpan } from "./format.js";
import { byName, byNumber, matching, top } from "./ranking.js";

/** Rows that are shown until somebody asks for all. */
export const FEW = 20;
/** Columns of the timeline at most. */
const COLUMNS = 30;

/** The window that is shown: the one that was chosen, else the newest, else the open one. */
export function shownWindow(model, chosen, now) {
  const open = model.open;
  if (chosen === "open" && open !== null) return open;
  const found = typeof chosen === "number" ? model.windowAt(chosen) : null;
  return found ?? model.newest(now) ?? open;
}

/** Makes rows of a window; remembers them until something has changed. */
export class Rows {
  #key = "";
  #made = { rows: [], found: 0 };

  /**
   * `{rows, found}`: the rows to show in their order, and how many there are in all. A row is
   * `{key, rank, number, text, change, rises, share, openShare, openText, isOpen}`; shares are
   * lengths of bars, from 0 to 1.
   */
  of(model, window, { query, all }) {
    if (window === null) return { rows: [], found: 0 };
    const open = window === model.open ? null : openBeside(model, window);
    const parts = [window.start, window.version, open?.start, open?.version, query, all];
    const key = parts.join("|") + (window === model.open);
    if (key !== this.#key) {
      this.#made = rowsOf(model, window, open, query, all);
      this.#key = key;
    }
    return this.#made;
  }
}

/** The open window's numbers stand beside those of the newest closed one only. */
function openBeside(model, window) {
  return window === model.windows.at(-1) ? model.open : null;
}

function rowsOf(model, window, open, query, all) {
  const isOpen = window === model.open;
  const numbers = isOpen ? window.numbers : model.numbersOf(window);
  const found = query ? [...matching(numbers, query)] : numbers;
  const total = query ? found.length : numbers.size;
  const shown = top(found, all ? total : FEW, model.kind === "count" ? byNumber : byName);
  const highest = Math.max(largest(numbers), largest(open?.numbers ?? []));
  const before = model.before(window);
  const rows = shown.map(([key, number], at) => {
    const openNumber = open?.numbers.get(key);
    return {
      key,
      isOpen,
      number,
      rank: at + 1,
      text: asNumber(model.kind, number),
      ...changed(model.kind, number, isOpen ? undefined : before?.numbers.get(key)),
      share: shareOf(model, key, number, highest),
      openShare: openNumber === undefined ? 0 : openNumber / highest,
      openText: openNumber === undefined ? "" : asNumber(model.kind, openNumber),
    };
  });
  return { rows, found: total };
}

function changed(kind, number, before) {
  return { change: asChange(kind, number, before), rises: number > (before ?? number) };
}

/** A count's bar is its share of the highest; a price's tells where in its recent range it is. */
function shareOf(model, key, number, highest) {
  if (model.kind === "count") return highest > 0 ? number / highest : 0;
  const [low, high] = rangeOf(model, key);
  return high > low ? (number - low) / (high - low) : 0.5;
}

function rangeOf(model, key) {
  const seen = model.windows.flatMap((window) => {
    const range = window.ranges.get(key);
    const number = window.numbers.get(key);
    return range ? [range.low, range.high] : number === undefined ? [] : [number];
  });
  return [Math.min(...seen), Math.max(...seen)];
}

function largest(numbers) {
  let most = 0;
  for (const [, number] of numbers) if (number > most) most = number;
  return most;
}

/** What is said of a window: `{span, state, summary}`. */
export function describe(model, window, words) {
  if (window === null) return { span: "", state: "", summary: "" };
  const span = asSpan(window.start, window.end);
  if (window === model.open) {
    const amount = asAmount(window.numbers.size, words.one, words.many);
    return { span, state: "provisional", summary: `counts so far of ${amount}` };
  }
  const keys = asAmount(window.keys, words.one, words.many);
  // A single price's minute may not be over yet.
  if (model.kind === "price") return { span, state: "", summary: keys };
  if (window.isPartial) return { span, state: "final", summary: `the first ${keys}` };
  const total = asAmount(window.total, "mention", "mentions");
  return { span, state: "final", summary: `${keys}, ${total}` };
}

/** When the open window closes: `{text, share}`, or null if that isn't known. */
export function countdown(model, now) {
  const newest = model.windows.at(-1);
  if (model.open === null && newest === undefined) return null;
  const length = (model.open ?? newest).end - (model.open ?? newest).start;
  const end = model.open?.end ?? newest.end + length;
  const left = end - now;
  if (left > length || left < -length) return null; // old data, or a clock that is wrong
  const text = left > 0 ? `next result in ${asSeconds(left)}` : "counting it up …";
  return { text, share: Math.min(1, Math.max(0, 1 - left / length)) };
}

/** The last windows as columns: `{start, share, label, isOpen, isShown}`, oldest first. */
export function columns(model, window, words, wanted = COLUMNS) {
  if (model.kind !== "count") return [];
  const open = model.open === null ? [] : [model.open];
  const all = [...model.windows, ...open].slice(-wanted);
  const totals = all.map((one) => (one === model.open ? expectedTotal(model) : one.total));
  const highest = Math.max(1, ...totals);
  return all.map((one, at) => {
    const { span, state, summary } = describe(model, one, words);
    return {
      start: one.start,
      share: totals[at] / highest,
      label: `${span}, ${state}: ${summary}`,
      isOpen: one === model.open,
      isShown: one === window,
    };
  });
}

/**
 * The open window's total. It is counted for some keys only: as these grow compared with the window
 * before, so do the others.
 */
function expectedTotal(model) {
  const newest = model.windows.at(-1);
  if (newest === undefined) return model.open.total;
  let before = 0;
  for (const key of model.open.numbers.keys()) before += newest.numbers.get(key) ?? 0;
  return before > 0 ? (model.open.total / before) * newest.total : model.open.total;
}

/** What is said of a key that somebody follows: `{key, text, change, rises, detail, openText}`. */
export function card(model, key, now) {
  const window = model.newest(now);
  const numbers = window === null ? new Map() : model.numbersOf(window);
  const number = numbers.get(key);
  const openNumber = model.open?.numbers.get(key);
  const openText = openNumber === undefined ? "" : asNumber(model.kind, openNumber);
  if (number === undefined) {
    const detail = window === null ? "no result yet" : "not in the last window";
    return { key, text: "–", change: "", rises: false, detail, openText };
  }
  const before = model.before(window)?.numbers.get(key);
  const detail = `at ${asClock(window.end)}`;
  const text = asNumber(model.kind, number);
  return { key, text, ...changed(model.kind, number, before), detail, openText };
}
