// Order among items: the largest numbers of a window, without sorting all of them.

/** Larger numbers first; those with the same number by their name. */
export function byNumber([keyA, a], [keyB, b]) {
  return b - a || (keyA < keyB ? -1 : 1);
}

/** By name. */
export function byName([keyA], [keyB]) {
  return keyA < keyB ? -1 : 1;
}

/** The first `n` of `entries` ([key, number] pairs) in the order that `compare` gives. */
export function top(entries, n, compare = byNumber) {
  if (n <= 0) return [];
  let best = [];
  let last = null;
  for (const entry of entries) {
    if (last !== null && compare(last, entry) <= 0) continue;
    best.push(entry);
    // Cut back now and then: cheaper than to keep it in order all the time.
    if (best.length >= 2 * n + 64) {
      best = best.sort(compare).slice(0, n);
      last = best[n - 1];
    }
  }
  return best.sort(compare).slice(0, n);
}

/** What is looked for, as keys are written: without the sign that people put before a hashtag. */
export function normalised(query, parameter) {
  const text = query.trim();
  return parameter === "hashtag" ? text.replace(/^#+/, "").trim().toLowerCase() : text;
}

/** Those entries whose key contains the text, whatever its case. */
export function* matching(entries, text) {
  const wanted = text.toLowerCase();
  for (const entry of entries) {
    if (entry[0].toLowerCase().includes(wanted)) yield entry;
  }
}
