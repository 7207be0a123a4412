// Ties the parts together: frames go into the model, and once a frame of the screen, at most, what
// can be seen is drawn anew.

import { Cards } from "./cards.js";
import { Connection } from "./connection.js";
import { Follows } from "./follows.js";
import { Gateway } from "./gateway.js";
import { readItem } from "./message.js";
import { Model } from "./model.js";
import { Page } from "./page.js";
import { normalised } from "./ranking.js";
import { Repeats } from "./repeats.js";
import { RowList } from "./rows.js";
import { StatusBar } from "./statusbar.js";
import { storage } from "./storage.js";
import { Timeline } from "./timeline.js";
import { card, columns, countdown, describe, Rows, shownWindow } from "./view.js";
import { Watched } from "./watched.js";
import { wordsOf } from "./words.js";

/** How often clocks on the page move on. */
const TICK_MS = 1000;
/** How long results are collected before they are drawn. */
const SETTLE_MS = 100;
/** How often, at most, a screen reader is told of results. */
const SPEAK_MS = 30_000;
/** How long a hint stays. */
const HINT_MS = 60_000;

const settings = await fetch("/dashboard/settings.json")
  .then((response) => response.json())
  .catch(() => ({ parameters: ["hashtag"] }));
const asked = new URLSearchParams(location.search).get("parameter");
const parameter = asked || settings.parameters[0];
const words = wordsOf(parameter);

const model = new Model();
const repeats = new Repeats();
const watched = new Watched();
const follows = new Follows(parameter, storage("localStorage"));
const gateway = new Gateway(parameter, location.href);
const ranking = new Rows();
const wanted = { query: "", all: false, chosen: null };
const session = storage("sessionStorage");
let hint = { text: "", until: 0 };
let spokenAt = Date.now();
let spokenOf = 0;

model.isFollowed = (key) => follows.has(key);
gateway.token = session?.getItem("tally.token") ?? "";

const connection = new Connection(
  {
    open: (cursor) => gateway.open(cursor),
    diagnose: (cursor) => gateway.diagnose(cursor),
    ping: () => gateway.ping(),
    now: () => Date.now(),
    setTimeout: (act, ms) => setTimeout(act, ms),
    clearTimeout: (timer) => clearTimeout(timer),
    random: Math.random,
  },
  { onFrame: take, onState: changed, onLost: lost },
);

const page = new Page(words, parameter, settings.parameters, {
  onQuery: (query) => change({ query }),
  onFollow: () => follow(normalised(wanted.query, parameter)),
  onAll: () => change({ all: !wanted.all }),
  onNewest: () => change({ chosen: null }),
  onResize: () => {
    timeline.measure();
    rows.measure();
    invalidate();
  },
  onScroll: invalidate,
});
const timeline = new Timeline(document.getElementById("timeline"), {
  // The newest closed window is followed as it changes; any other one stays.
  onChoose: ({ start, isOpen }) => {
    const newest = model.newest(Date.now());
    change({ chosen: isOpen ? "open" : start === newest?.start ? null : start });
  },
});
const cards = new Cards(document.getElementById("following"), { onLeave: unfollow });
const rows = new RowList(document.getElementById("rows"), {
  onFollow: (key) => (follows.has(key) ? unfollow(key) : follow(key)),
});
const bar = new StatusBar({
  onRetry: () => connection.hurry(),
  onToken: (token) => {
    gateway.token = token;
    session?.setItem("tally.token", token);
    gateway.keys = ["*"];
    connection.restart({ keepCursor: true });
    recall();
  },
});

function take(frame) {
  if (typeof frame.id === "string" && repeats.seen(frame.id)) return undefined;
  switch (frame.type) {
    case "result":
      model.add(frame, Date.now());
      // Others are about to come, and a new window isn't shown before.
      return model.windows.length > 1 ? settle() : invalidate();
    case "provisional":
      model.addProvisional(frame);
      return invalidate();
    case "gap":
      advise("This page was away for longer than results are kept: some windows are missing.");
      return invalidate();
    default:
      return undefined;
  }
}

function changed(state) {
  if (state.name === "live") watched.forget();
  if (state.name === "refused" && state.status === 403 && gateway.keys[0] === "*") {
    // Not everything may be had at once, but single keys perhaps.
    advise(`This gateway shows only those ${words.many} that you follow.`);
    gateway.keys = follows.keys;
    queueMicrotask(reconnect);
  }
  invalidate();
}

/** With the keys that are wanted now. */
function reconnect() {
  if (gateway.keys.length === 0) connection.stop();
  else connection.restart({ keepCursor: true });
}

function lost() {
  repeats.forget();
  advise("The gateway couldn't tell where this page had stopped: some windows may be missing.");
}

function advise(text) {
  hint = { text, until: Date.now() + HINT_MS };
}

function change(difference) {
  Object.assign(wanted, difference);
  invalidate();
}

function follow(key) {
  if (!key) return;
  if (!follows.add(key)) advise("That is as many as one page can follow.");
  else remember(key);
  subscribe("subscribe", key);
}

function unfollow(key) {
  follows.remove(key);
  subscribe("unsubscribe", key);
}

function subscribe(action, key) {
  invalidate();
  if (gateway.keys[0] === "*") return;
  gateway.keys = follows.keys;
  if (connection.state.name === "live" && follows.keys.length > 0) {
    connection.send(gateway.action(action, [key]));
  } else reconnect();
}

/** Ask for provisional counts of what can be seen; those that are named as keys come anyway. */
function watch() {
  if (connection.state.name !== "live" || gateway.keys[0] !== "*" || document.hidden) return;
  const keys = follows.keys.concat(rows.keys);
  for (const [action, some] of watched.become(keys)) connection.send(gateway.action(action, some));
}

async function remember(key) {
  const history = await gateway.history(key);
  if (history.length > 0) model.remember(key, history);
  invalidate();
}

/** Ask for what was before this page came. */
async function recall() {
  for (const key of follows.keys) await remember(key);
}

async function latest() {
  const items = (await gateway.latest()).map(({ key, value }) => readItem(key, value, 0));
  model.addPartial(items.filter((item) => item !== null), Date.now());
  invalidate();
}

let drawing = null;

/** Draw before the next frame of the screen. */
function invalidate() {
  drawing ??= requestAnimationFrame(() => {
    drawing = null;
    draw(Date.now());
  });
}

let settling = null;

/** Draw a little later, and once for all results that come until then. */
function settle() {
  settling ??= setTimeout(() => {
    settling = null;
    invalidate();
  }, SETTLE_MS);
}

function draw(now) {
  const window = shownWindow(model, wanted.chosen, now);
  const query = normalised(wanted.query, parameter);
  const { rows: shown, found } = ranking.of(model, window, { query, all: wanted.all });
  const series = (key) => model.series(key);
  const looks = { kind: model.kind, words, series, isFollowed: (key) => follows.has(key) };
  timeline.update(columns(model, window, words, timeline.wanted));
  cards.update(follows.keys.map((key) => card(model, key, now)), looks);
  page.update({
    about: describe(model, window, words),
    countdown: connection.state.name === "live" ? countdown(model, now) : null,
    query,
    shown: shown.length,
    found,
    all: wanted.all,
    isFollowed: follows.has(query),
    isNewest: window === null || window === model.newest(now) || model.windows.length === 0,
    kind: model.kind,
  });
  rows.update(shown, looks);
  drawStatus(now);
  speak(now, shown);
  if (!model.isSettled(now)) settle();
}

function drawStatus(now) {
  const facts = {
    now,
    isOnline: navigator.onLine,
    hasResults: model.windows.length > 0,
    hasToken: gateway.token !== "",
  };
  bar.update(connection.state, facts, now < hint.until ? hint.text : "");
}

/** Now and then, and only of a new window. */
function speak(now, shown) {
  const newest = model.newest(now);
  if (newest === null || newest.start <= spokenOf || now - spokenAt < SPEAK_MS) return;
  [spokenAt, spokenOf] = [now, newest.start];
  const first = shown.slice(0, 3).map(({ key, text }) => `${words.sign}${key} ${text}`);
  if (first.length > 0) bar.speak(`New results: ${first.join(", ")}`);
}

addEventListener("online", () => connection.hurry());
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) connection.hurry();
});
setInterval(() => {
  watch();
  invalidate();
}, TICK_MS);
connection.start();
latest();
recall();
