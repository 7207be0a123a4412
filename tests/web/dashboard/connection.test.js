import assert from "node:assert/strict";
import { test } from "node:test";
import { Connection } from "../../../streams/web/dashboard/connection.js";

/** A clock, sockets and an answer, all in the test's hands. */
function scene({ status = 0 } = {}) {
  const timers = new Map();
  const scene = { now: 0, sockets: [], frames: [], states: [], lost: 0, status };
  let last = 0;
  const io = {
    open(cursor) {
      const socket = { cursor, sent: [], isClosed: false };
      socket.send = (text) => socket.sent.push(JSON.parse(text));
      socket.close = () => (socket.isClosed = true);
      scene.sockets.push(socket);
      return socket;
    },
    diagnose: async () => ({ status: scene.status, reason: "so" }),
    ping: () => '{"action":"ping"}',
    now: () => scene.now,
    setTimeout: (act, ms) => (timers.set(++last, { act, at: scene.now + ms }), last),
    clearTimeout: (timer) => timers.delete(timer),
    random: () => 1,
  };
  scene.connection = new Connection(io, {
    onFrame: (frame) => scene.frames.push(frame),
    onState: (state) => scene.states.push(state.name),
    onLost: () => scene.lost++,
  });
  scene.socket = () => scene.sockets.at(-1);
  scene.say = (frame) => scene.socket().onmessage({ data: JSON.stringify(frame) });
  scene.settle = () => new Promise((resolve) => setImmediate(resolve));
  scene.pass = async (ms) => {
    const until = scene.now + ms;
    for (;;) {
      const due = [...timers].filter(([, { at }]) => at <= until).sort(([, a], [, b]) => a.at - b.at)[0];
      if (due === undefined) break;
      timers.delete(due[0]);
      scene.now = due[1].at;
      due[1].act();
      await scene.settle();
    }
    scene.now = until;
  };
  scene.lose = async (code = 1006) => {
    scene.socket().onclose({ code });
    await scene.settle();
  };
  return scene;
}

const result = (n) => ({
  key: "a",
  value: { count: 5, window_start: 0, window_end: 20_000 },
  timestamp: 1,
  id: `t-0-${n}`,
  cursor: `c${n}`,
});

test("it is live once the gateway has answered, and no sooner", () => {
  const { connection, say, states } = scene();
  connection.start();
  assert.deepEqual(states, ["connecting"]);
  say({ type: "subscribed", cursor: "c0" });
  assert.deepEqual(states, ["connecting", "live"]);
});

test("it comes back with the cursor of the last result", async () => {
  const s = scene();
  s.connection.start();
  s.say({ type: "subscribed", cursor: "c0" });
  s.say(result(7));
  await s.lose();
  assert.equal(s.connection.state.name, "waiting");
  await s.pass(1000);
  assert.equal(s.socket().cursor, "c7");
});

test("answers move the cursor on, where no results come", async () => {
  const s = scene();
  s.connection.start();
  s.say(result(3));
  s.say({ type: "subscribed", cursor: "c9" });
  await s.lose();
  await s.pass(1000);
  assert.equal(s.socket().cursor, "c9");
});

test("pauses grow up to a bound, and begin anew after a good connection", async () => {
  const s = scene();
  s.connection.start();
  const pauses = [];
  for (let n = 0; n < 8; n++) {
    await s.lose();
    pauses.push(s.connection.state.retryAt - s.now);
    await s.pass(pauses.at(-1));
  }
  assert.deepEqual(pauses, [500, 1000, 2000, 4000, 8000, 16_000, 20_000, 20_000]);
  s.say({ type: "subscribed", cursor: "c0" });
  await s.pass(11_000);
  await s.lose();
  assert.equal(s.connection.state.retryAt - s.now, 500);
});

test("a gateway that lets us in and throws us out isn't hammered", async () => {
  const s = scene();
  s.connection.start();
  const pauses = [];
  for (let n = 0; n < 4; n++) {
    s.say({ type: "subscribed", cursor: "c0" });
    await s.lose(1013);
    pauses.push(s.connection.state.retryAt - s.now);
    await s.pass(pauses.at(-1));
  }
  assert.deepEqual(pauses, [500, 1000, 2000, 4000]);
});

test("a silent gateway is asked, and given up if it doesn't answer", async () => {
  const s = scene();
  s.connection.start();
  s.say({ type: "subscribed", cursor: "c0" });
  const first = s.socket();
  await s.pass(25_000);
  assert.deepEqual(first.sent, [{ action: "ping" }]);
  s.say({ type: "subscribed", cursor: "c0" });
  await s.pass(25_000);
  assert.equal(first.sent.length, 2);
  await s.pass(10_000);
  assert.equal(first.isClosed, true);
  assert.notEqual(s.socket(), undefined);
  assert.equal(s.states.filter((name) => name === "waiting").length, 1);
});

test("a connection that never opens is given up", async () => {
  const s = scene();
  s.connection.start();
  await s.pass(10_000);
  assert.equal(s.sockets[0].isClosed, true);
  assert.equal(s.connection.state.name, "waiting");
});

for (const status of [400, 401, 403, 404]) {
  test(`a refusal (${status}) is final until something changes`, async () => {
    const s = scene({ status });
    s.connection.start();
    await s.lose();
    await s.pass(100_000);
    assert.deepEqual(s.connection.state, { name: "refused", status, reason: "so" });
    assert.equal(s.sockets.length, 1);
    s.connection.restart({ keepCursor: true });
    assert.equal(s.sockets.length, 2);
  });
}

test("a cursor that isn't taken is given up, and that is told", async () => {
  const s = scene({ status: 400 });
  s.connection.start();
  s.say({ type: "subscribed", cursor: "c0" });
  await s.lose();
  await s.pass(500);
  assert.equal(s.socket().cursor, "c0");
  await s.lose();
  await s.pass(1000);
  assert.equal(s.socket().cursor, null);
  assert.equal(s.lost, 1);
});

for (const status of [426, 429, 503]) {
  test(`a gateway that is only busy (${status}) gets the same cursor again`, async () => {
    const s = scene({ status });
    s.connection.start();
    s.say({ type: "subscribed", cursor: "c0" });
    for (let n = 0; n < 3; n++) {
      await s.lose();
      await s.pass(5_000);
      assert.equal(s.socket().cursor, "c0");
    }
    assert.equal(s.lost, 0);
  });
}

test("it hurries when it is told to, and only while it waits", async () => {
  const s = scene();
  s.connection.start();
  s.connection.hurry();
  assert.equal(s.sockets.length, 1);
  await s.lose();
  s.connection.hurry();
  assert.equal(s.sockets.length, 2);
});

test("what the old socket still says after a stop isn't heard", async () => {
  const s = scene({ status: 401 });
  s.connection.start();
  const pending = s.lose();
  s.connection.stop();
  await pending;
  assert.equal(s.connection.state.name, "idle");
});
