import assert from "node:assert/strict";
import { test } from "node:test";
import { backoff } from "../../../streams/web/dashboard/backoff.js";
import { Follows, MOST } from "../../../streams/web/dashboard/follows.js";
import { byNumber, normalised, top } from "../../../streams/web/dashboard/ranking.js";
import { Repeats } from "../../../streams/web/dashboard/repeats.js";
import { sparkline } from "../../../streams/web/dashboard/spark.js";
import { announcement, statusOf } from "../../../streams/web/dashboard/status.js";
import { Watched } from "../../../streams/web/dashboard/watched.js";

test("the top is what sorting all would give", () => {
  let seed = 7;
  const random = () => (seed = (seed * 16_807) % 2_147_483_647) % 50;
  for (let round = 0; round < 50; round++) {
    const entries = Array.from({ length: random() * 20 }, (_, n) => [`k${n}`, random()]);
    const n = random();
    assert.deepEqual(top(entries, n), [...entries].sort(byNumber).slice(0, n));
  }
});

test("a hashtag is looked for as the job writes it", () => {
  assert.equal(normalised("  #Kafka ", "hashtag"), "kafka");
  assert.equal(normalised(" TBV ", "symbol"), "TBV");
});

test("repeats are known by partition and offset, also in topics with dashes", () => {
  const repeats = new Repeats();
  assert.equal(repeats.seen("my-topic-0-5"), false);
  assert.equal(repeats.seen("my-topic-0-5"), true);
  assert.equal(repeats.seen("my-topic-0-4"), true);
  assert.equal(repeats.seen("my-topic-0-6"), false);
  assert.equal(repeats.seen("my-topic-1-5"), false);
  repeats.forget();
  assert.equal(repeats.seen("my-topic-0-5"), false);
});

test("only what has changed is asked for", () => {
  const watched = new Watched();
  assert.deepEqual(watched.become(["a", "b", "a"]), [["subscribe", ["a", "b"]]]);
  assert.deepEqual(watched.become(["b", "a"]), []);
  assert.deepEqual(watched.become(["b", "c"]), [["subscribe", ["c"]], ["unsubscribe", ["a"]]]);
  watched.forget();
  assert.deepEqual(watched.become(["c"]), [["subscribe", ["c"]]]);
  assert.equal(watched.become(Array.from({ length: 999 }, (_, n) => `k${n}`))[0][1].length, 200);
});

test("half of a pause is chance", () => {
  assert.equal(backoff(0, () => 0), 250);
  assert.equal(backoff(0, () => 1), 500);
  assert.equal(backoff(100, () => 1), 20_000);
});

test("a sparkline fills its box", () => {
  const { line, area, x, y } = sparkline([[0, 0], [10, 4], [20, 2]], 104, 24);
  assert.equal(line, "M2 22L52 2L102 12");
  assert.equal(area, `${line}L102 24L2 24Z`);
  assert.deepEqual([x, y], [102, 12]);
  assert.equal(sparkline([], 10, 10), null);
  assert.deepEqual(sparkline([[5, 3]], 100, 20).x, 98);
});

test("what is followed is remembered, if there is a memory", () => {
  const stored = new Map();
  const storage = { getItem: (name) => stored.get(name) ?? null, setItem: (name, text) => stored.set(name, text) };
  const follows = new Follows("hashtag", storage);
  follows.add("a");
  follows.add("b");
  follows.add("a");
  follows.remove("b");
  assert.deepEqual(new Follows("hashtag", storage).keys, ["a"]);
  assert.deepEqual(new Follows("symbol", storage).keys, []);
  stored.set("tally.follows.hashtag", "{");
  assert.deepEqual(new Follows("hashtag", storage).keys, []);
  assert.equal(new Follows("hashtag", null).add("x"), true);
});

test("there is an end to what one page follows", () => {
  const follows = new Follows("hashtag", null);
  for (let n = 0; n < MOST; n++) assert.equal(follows.add(`k${n}`), true);
  assert.equal(follows.add("one more"), false);
});

test("each state is put into words", () => {
  const facts = { now: 0, isOnline: true, hasResults: true, hasToken: false };
  const waiting = statusOf({ name: "waiting", retryAt: 2500 }, facts);
  assert.equal(waiting.text, "Reconnecting in 3 s");
  assert.equal(waiting.canRetry, true);
  assert.match(waiting.detail, /go on where it stopped/);
  assert.equal(statusOf({ name: "waiting", retryAt: 0 }, { ...facts, isOnline: false }).text, "Offline");
  assert.equal(statusOf({ name: "refused", status: 401 }, facts).needsToken, true);
  const refused = statusOf({ name: "refused", status: 400, reason: "No such key" }, facts);
  assert.match(refused.detail, /No such key/);
  assert.equal(refused.needsToken, false);
  assert.equal(statusOf({ name: "live" }, facts).detail, "");
});

test("a screen reader hears of a loss once", () => {
  assert.equal(announcement("live", "waiting"), "Connection lost. Reconnecting.");
  assert.equal(announcement("waiting", "waiting"), "");
  assert.equal(announcement("waiting", "live"), "Connected.");
  assert.equal(announcement("idle", "live"), "");
});
