// The geometry of a sparkline: points in, the paths of an SVG out.

/**
 * `points` are [time, number] pairs by time. Returns `{line, area, x, y}` in a box of `width` by
 * `height` with a margin of `pad`: two paths, and where the last point is. Null without points.
 * With `fromZero` the box begins at 0, else at the smallest number.
 */
export function sparkline(points, width, height, { fromZero = true, pad = 2 } = {}) {
  if (points.length === 0) return null;
  const numbers = points.map(([, number]) => number);
  const low = fromZero ? Math.min(0, ...numbers) : Math.min(...numbers);
  const high = Math.max(...numbers);
  const [first, last] = [points[0][0], points.at(-1)[0]];
  const x = scale(first, last, pad, width - pad, width - pad);
  const y = scale(low, high, height - pad, pad, fromZero ? height - pad : height / 2);
  const places = points.map(([time, number]) => [round(x(time)), round(y(number))]);
  const line = places.map(([px, py], n) => `${n ? "L" : "M"}${px} ${py}`).join("");
  const [endX, endY] = places.at(-1);
  const area = `${line}L${endX} ${height}L${places[0][0]} ${height}Z`;
  return { line, area, x: endX, y: endY };
}

/** From [a, b] to [from, to]; to `middle` if a and b are the same. */
function scale(a, b, from, to, middle) {
  return (value) => (a === b ? middle : from + ((value - a) / (b - a)) * (to - from));
}

function round(number) {
  return Math.round(number * 10) / 10;
}
