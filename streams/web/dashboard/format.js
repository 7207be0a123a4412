// Numbers and times as people read them.

const wholes = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const prices = new Intl.NumberFormat(undefined, {
  minimumFractionDigits: 2,
  maximumFractionDigits: 2,
});
const pennies = new Intl.NumberFormat(undefined, {
  minimumFractionDigits: 2,
  maximumFractionDigits: 6,
});
const percents = new Intl.NumberFormat(undefined, {
  style: "percent",
  signDisplay: "exceptZero",
  minimumFractionDigits: 2,
  maximumFractionDigits: 2,
});
const differences = new Intl.NumberFormat(undefined, { signDisplay: "exceptZero" });
const clocks = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});

/** A count or a price. */
export function asNumber(kind, number) {
  if (kind === "count") return wholes.format(number);
  return (Math.abs(number) < 1 ? pennies : prices).format(number);
}

/** How a number differs from the one before it: counts by how many, prices by how much of it. */
export function asChange(kind, number, before) {
  if (before === undefined || before === number) return "";
  if (kind === "count") return differences.format(number - before);
  return before ? percents.format(number / before - 1) : "";
}

/** A window's bounds in local time. */
export function asSpan(start, end) {
  return `${asClock(start)} – ${asClock(end)}`;
}

/** Local time, with milliseconds only where there are any. */
export function asClock(ms) {
  const text = clocks.format(ms);
  return ms % 1000 ? `${text}.${String(ms % 1000).padStart(3, "0")}` : text;
}

/** "1 hashtag", "1,204 hashtags". */
export function asAmount(number, one, many) {
  return `${wholes.format(number)} ${number === 1 ? one : many}`;
}

/** Seconds, rounded up so that a countdown ends with 1. */
export function asSeconds(ms) {
  return `${wholes.format(Math.max(0, Math.ceil(ms / 1000)))} s`;
}
