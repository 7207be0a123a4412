// How long to wait before the next attempt to connect.

const FIRST_MS = 500;
const LONGEST_MS = 20_000;

/**
 * The pause before attempt number `attempt` (0 is the first repetition), in ms. It doubles up to a
 * bound, and half of it is left to chance: the many pages that lose a gateway at the same moment
 * must not all come back at the same moment.
 */
export function backoff(attempt, random = Math.random) {
  const whole = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt, 16));
  return whole / 2 + random() * (whole / 2);
}
