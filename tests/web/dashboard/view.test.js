import assert from "node:assert/strict";
import { test } from "node:test";
import { Model } from "../../../streams/web/dashboard/model.js";
import { card, columns, countdown, describe, FEW, Rows, shownWindow } from "../../../streams/web/dashboard/view.js";
import { wordsOf } from "../../../streams/web/dashboard/words.js";

const W = 20_000;
const LATER = 10_000_000;
const words = wordsOf("hashtag");

function item(key, number, n, kind = "count", range = null) {
  return { key, kind, number, range, start: n * W, end: (n + 1) * W };
}

function modelOf(...items) {
  const model = new Model();
  for (const one of items) model.add(one, 0);
  return model;
}

function rowsOf(model, options = {}) {
  const window = shownWindow(model, options.chosen ?? null, LATER);
  return new Rows().of(model, window, { query: "", all: false, ...options });
}

test("the newest window is ranked, with what has changed", () => {
  const model = modelOf(item("a", 8, 1), item("a", 10, 2), item("b", 20, 2));
  const { rows, found } = rowsOf(model);
  assert.equal(found, 2);
  assert.deepEqual(
    rows.map(({ key, rank, share, change, rises }) => [key, rank, share, change, rises]),
    [["b", 1, 1, "", false], ["a", 2, 0.5, "+2", true]],
  );
});

test("counts of the open window stand beside, on the same scale", () => {
  const model = modelOf(item("a", 10, 1));
  model.addProvisional(item("a", 40, 2));
  const [row] = rowsOf(model).rows;
  assert.deepEqual([row.share, row.openShare, row.openText], [0.25, 1, "40"]);
});

test("before any window has closed the open one is shown", () => {
  const model = new Model();
  assert.deepEqual(rowsOf(model), { rows: [], found: 0 });
  model.addProvisional(item("a", 4, 2));
  const [row] = rowsOf(model).rows;
  assert.deepEqual([row.isOpen, row.share, row.change], [true, 1, ""]);
});

test("a window that was chosen stays, as long as it is remembered", () => {
  const model = modelOf(item("a", 8, 1), item("b", 9, 2));
  assert.equal(rowsOf(model, { chosen: W }).rows[0].key, "a");
  assert.equal(rowsOf(model, { chosen: 77 }).rows[0].key, "b");
});

test("few rows are made, unless all are wanted", () => {
  const model = modelOf(...Array.from({ length: 300 }, (_, n) => item(`tag${n}`, n, 1)));
  assert.equal(rowsOf(model).rows.length, FEW);
  assert.equal(rowsOf(model).found, 300);
  assert.equal(rowsOf(model, { all: true }).rows.length, 300);
});

test("a search finds parts of names in any case", () => {
  const model = modelOf(item("kafka", 8, 1), item("Kafkaesque", 5, 1), item("python", 9, 1));
  const { rows, found } = rowsOf(model, { query: "AFKA" });
  assert.deepEqual([rows.map(({ key }) => key), found], [["kafka", "Kafkaesque"], 2]);
});

test("the same rows are handed out until something changes", () => {
  const model = modelOf(item("a", 8, 1));
  const rows = new Rows();
  const wanted = { query: "", all: false };
  const first = rows.of(model, model.newest(LATER), wanted);
  assert.equal(rows.of(model, model.newest(LATER), wanted), first);
  model.add(item("b", 8, 1), 0);
  assert.notEqual(rows.of(model, model.newest(LATER), wanted), first);
});

test("prices are in the order of their names, and their bars tell where in their range they are", () => {
  const range = { open: 10, high: 30, low: 10 };
  const model = modelOf(item("B", 10, 1, "price"), item("A", 15, 2, "price", range));
  const rows = rowsOf(model).rows;
  assert.deepEqual(rows.map(({ key, share, text }) => [key, share, text]), [["A", 0.25, "15.00"], ["B", 0.5, "10.00"]]);
});

test("a window is described", () => {
  const model = modelOf(item("a", 1200, 1), item("b", 5, 1));
  model.addProvisional(item("a", 1, 2));
  assert.deepEqual(describe(model, model.windows[0], words).summary, "2 hashtags, 1,205 mentions");
  assert.deepEqual(describe(model, model.windows[0], words).state, "final");
  assert.deepEqual(describe(model, model.open, words).summary, "counts so far of 1 hashtag");
  assert.deepEqual(describe(model, null, words).span, "");
});

test("the countdown ends with 1, and isn't shown for what is long over", () => {
  const model = modelOf(item("a", 8, 1));
  assert.equal(countdown(model, 2 * W).text, "next result in 20 s");
  assert.equal(countdown(model, 3 * W - 1).text, "next result in 1 s");
  assert.equal(countdown(model, 3 * W + 500).text, "counting it up …");
  assert.equal(countdown(model, 5 * W), null);
  assert.equal(countdown(new Model(), 0), null);
});

test("columns are on one scale, the open window last", () => {
  const model = modelOf(item("a", 10, 1), item("a", 20, 2));
  model.addProvisional(item("a", 5, 3));
  const shown = columns(model, model.windows[1], words);
  assert.deepEqual(shown.map(({ share, isOpen, isShown }) => [share, isOpen, isShown]), [
    [0.5, false, false],
    [1, false, true],
    [0.25, true, false],
  ]);
  assert.equal(columns(model, null, words, 2).length, 2);
});

test("the open window's column is what comes of the keys that are counted", () => {
  const model = modelOf(item("a", 10, 1), item("b", 30, 1));
  model.addProvisional(item("a", 5, 2));
  assert.equal(columns(model, null, words).at(-1).share, 0.5);
});

test("a card says where its number is from, or why it has none", () => {
  const model = new Model();
  assert.equal(card(model, "a", LATER).detail, "no result yet");
  model.add(item("a", 10, 1), 0);
  assert.equal(card(model, "b", LATER).detail, "not in the last window");
  assert.equal(card(model, "a", LATER).text, "10");
});
