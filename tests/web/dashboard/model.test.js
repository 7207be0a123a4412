import assert from "node:assert/strict";
import { test } from "node:test";
import { Model } from "../../../streams/web/dashboard/model.js";

const W = 20_000;

function count(key, number, n) {
  return { key, kind: "count", number, range: null, start: n * W, end: (n + 1) * W };
}

function price(key, number, n) {
  return { ...count(key, number, n), kind: "price" };
}

function modelOf(...items) {
  const model = new Model();
  for (const item of items) model.add(item, 0);
  return model;
}

test("windows are kept by their start, whatever the order they come in", () => {
  const model = modelOf(count("a", 5, 3), count("a", 6, 1), count("a", 7, 2), count("b", 8, 2));
  assert.deepEqual(model.windows.map(({ start, total }) => [start / W, total]), [[1, 6], [2, 15], [3, 5]]);
});

test("the same key again replaces its number", () => {
  const { total, keys } = modelOf(count("a", 5, 1), count("a", 9, 1)).windows[0];
  assert.deepEqual([total, keys], [9, 1]);
});

test("a new window is shown once it has settled", () => {
  const model = modelOf(count("a", 5, 1));
  model.add(count("a", 6, 2), 10_000);
  assert.equal(model.newest(10_050).start, W);
  assert.equal(model.newest(10_100).start, 2 * W);
});

test("a window whose results never pause is shown all the same", () => {
  const model = modelOf(count("a", 5, 1));
  for (let at = 0; at <= 1_000; at += 50) model.add(count(`key${at}`, 6, 2), 10_000 + at);
  assert.equal(model.newest(11_000).start, 2 * W);
});

test("provisional counts end with their window's first result", () => {
  const model = modelOf(count("a", 5, 1));
  model.addProvisional(count("a", 3, 2));
  model.addProvisional(count("a", 4, 2));
  assert.equal(model.open.numbers.get("a"), 4);
  model.add(count("b", 9, 2), 0);
  assert.equal(model.open, null);
  model.addProvisional(count("a", 5, 2));
  assert.equal(model.open, null, "one that comes too late");
});

test("provisional counts of a newer window replace those of the older", () => {
  const model = new Model();
  model.addProvisional(count("a", 3, 2));
  model.addProvisional(count("b", 1, 3));
  model.addProvisional(count("a", 9, 2));
  assert.deepEqual([...model.open.numbers], [["b", 1]]);
});

test("a series has a 0 where a counted key is missing", () => {
  const model = modelOf(count("a", 5, 1), count("b", 6, 2), count("a", 7, 3));
  assert.deepEqual(model.series("a"), [[W, 5], [2 * W, 0], [3 * W, 7]]);
});

test("a price lasts until the next", () => {
  const model = modelOf(price("A", 5, 1), price("B", 6, 1), price("A", 7, 2));
  assert.deepEqual(model.series("B"), [[W, 6]]);
  assert.deepEqual([...model.numbersOf(model.windows[1])], [["A", 7], ["B", 6]]);
  assert.deepEqual([...model.numbersOf(model.windows[0])], [["A", 5], ["B", 6]]);
});

test("what was asked for joins the series", () => {
  const model = modelOf(count("a", 5, 3));
  model.remember("a", [[W, 2], [2 * W, 3]]);
  assert.deepEqual(model.series("a"), [[W, 2], [2 * W, 3], [3 * W, 5]]);
});

test("a window of which only the largest are known says so, and doesn't hide a whole one", () => {
  const model = new Model();
  model.addPartial([count("a", 5, 1), count("b", 4, 1)], 0);
  assert.equal(model.windows[0].isPartial, true);
  model.addPartial([count("z", 5, 1)], 0);
  assert.equal(model.windows[0].keys, 2);
  assert.deepEqual(model.series("c"), [], "it may have had this one");
});

test("memory is bounded", () => {
  const model = new Model({ windows: 5, whole: 2, older: 10, keys: 100 });
  model.isFollowed = (key) => key === "key3";
  for (let n = 1; n <= 20; n++) {
    for (let k = 0; k < 500; k++) model.add(count(`key${k}`, k, n), 0);
  }
  assert.equal(model.windows.length, 5);
  for (const window of model.windows) {
    assert.ok(window.numbers.size <= 101, `${window.numbers.size}`);
    assert.equal(window.keys >= 500, true);
  }
  const older = model.windows[0];
  assert.ok(older.numbers.size <= 11);
  assert.equal(older.numbers.get("key499"), 499, "the largest stay");
  assert.equal(older.numbers.get("key3"), 3, "and what is followed");
});

test("what is older than all that is kept comes too late", () => {
  const model = new Model({ windows: 2 });
  for (const n of [5, 6, 1]) model.add(count("a", 5, n), 0);
  assert.deepEqual(model.windows.map(({ start }) => start / W), [5, 6]);
});
