// The browser's storage, which a person may have switched off.

/** "localStorage" or "sessionStorage", or null if there is none. */
export function storage(name) {
  try {
    return globalThis[name] ?? null;
  } catch {
    return null;
  }
}
