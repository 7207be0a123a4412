import assert from "node:assert/strict";
import { test } from "node:test";
import { readFrame, readItem } from "../../../streams/web/dashboard/message.js";

const value = { hashtag: "kafka", count: 7, window_start: 20_000, window_end: 40_000 };

test("a count", () => {
  const text = JSON.stringify({ key: "kafka", value, timestamp: 39_999, id: "t-0-3", cursor: "c" });
  assert.deepEqual(readFrame(text), {
    type: "result",
    key: "kafka",
    kind: "count",
    number: 7,
    range: null,
    start: 20_000,
    end: 40_000,
    id: "t-0-3",
    cursor: "c",
  });
});

test("a count of the open window", () => {
  const frame = readFrame(JSON.stringify({ key: "kafka", value, timestamp: 1, provisional: true }));
  assert.equal(frame.type, "provisional");
  assert.equal(frame.number, 7);
});

test("a candle's number is where it closed", () => {
  const candle = { open: 2, high: 4, low: 1, close: 3, window_start: 0, window_end: 60_000 };
  const item = readItem("TBV", candle, 59_999);
  assert.equal(item.kind, "price");
  assert.equal(item.number, 3);
  assert.deepEqual(item.range, { open: 2, high: 4, low: 1 });
});

test("a price without a window belongs to its minute", () => {
  const { number, start, end } = readItem("TBV", { price: 51.5 }, 61_500);
  assert.deepEqual({ number, start, end }, { number: 51.5, start: 60_000, end: 120_000 });
});

test("what the gateway says itself is handed through", () => {
  assert.deepEqual(readFrame('{"type":"gap","cursor":"c","from":3}').type, "gap");
  assert.deepEqual(readFrame('{"type":"subscribed","cursor":"c"}').cursor, "c");
});

test("what can't be shown still has its cursor", () => {
  for (const odd of [null, "text", 7, { other: 1 }, { count: "7" }, { count: 7, window_start: 9, window_end: 3 }]) {
    const text = JSON.stringify({ key: "k", value: odd, timestamp: 1, id: "t-0-1", cursor: "c" });
    assert.deepEqual(readFrame(text), { type: "unknown", id: "t-0-1", cursor: "c" });
  }
});

test("garbage is nothing", () => {
  for (const text of ["", "{", "null", "3", "[]"]) assert.equal(readFrame(text).type, "unknown");
});
