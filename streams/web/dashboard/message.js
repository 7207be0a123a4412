// What a frame from the gateway says: text in, a plain object out. Knows nothing of the page.

/** A value without a window of its own (a single price, say) belongs to its minute. */
const MINUTE_MS = 60_000;

/**
 * One frame as `{type, ...}`:
 *   "subscribed" {cursor}, "gap" {cursor}, "error" {error},
 *   "result" and "provisional" {key, kind, number, range, start, end, id, cursor},
 *   "unknown" for what can't be shown; it may have a cursor and an id all the same.
 * Times are ms since the epoch; `end` is the first moment after the window.
 */
export function readFrame(text) {
  const frame = parsed(text);
  if (frame === null || typeof frame !== "object") return { type: "unknown" };
  if (typeof frame.type === "string") return { ...frame };
  const { id, cursor } = frame;
  const item = readItem(frame.key, frame.value, frame.timestamp);
  if (item === null) return { type: "unknown", id, cursor };
  return { type: frame.provisional ? "provisional" : "result", ...item, id, cursor };
}

/**
 * A record as an item that has a number, or null. Counts have `count`; quotes have `close` with
 * `open`, `high` and `low`, or just `price`.
 */
export function readItem(key, value, timestamp) {
  if (typeof key !== "string" || value === null || typeof value !== "object") return null;
  const kind = Number.isFinite(value.count) ? "count" : "price";
  const number = value.count ?? value.close ?? value.price;
  if (!Number.isFinite(number)) return null;
  const start = value.window_start ?? Math.floor(timestamp / MINUTE_MS) * MINUTE_MS;
  const end = value.window_end ?? start + MINUTE_MS;
  if (!Number.isFinite(start) || !Number.isFinite(end) || end <= start) return null;
  return { key, kind, number, range: rangeOf(value), start, end };
}

function rangeOf({ open, high, low }) {
  return [open, high, low].every(Number.isFinite) ? { open, high, low } : null;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
