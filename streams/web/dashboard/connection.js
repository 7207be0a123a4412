// A WebSocket that comes back: remembers the cursor, waits between attempts, notices silence.
//
// Everything that it needs from outside is given to it, so that tests own the clock and the socket.

import { backoff } from "./backoff.js";
import { readFrame } from "./message.js";

/** A connection that lived so long was a good one: the next pause is a short one again. */
const STEADY_MS = 10_000;
/** After so long without a frame the gateway is asked for one... */
const QUIET_MS = 25_000;
/** ...and has so long to answer; likewise for a new connection. */
const ANSWER_MS = 10_000;

const BAD_REQUEST = 400;
/** With these a gateway refuses for as long as the same is asked of it. */
const FINAL = [BAD_REQUEST, 401, 403, 404];

/**
 * States: "idle", "connecting", "live", "waiting" (with `retryAt`), "refused" (with `status`).
 * `status` is that of the gateway's refusal, `reason` what it says: browsers don't tell why an
 * upgrade failed, so `diagnose()` asks the same again without one.
 */
export class Connection {
  cursor = null;
  state = { name: "idle" };

  #socket = null;
  #attempt = 0;
  #liveSince = 0;
  #heardAt = 0;
  #timer = null;
  #io;

  /**
   * `io`: `open(cursor)` makes a WebSocket; `diagnose(cursor)` resolves to `{status, reason}`;
   * `ping()` is the text that asks for an answer; `now`, `setTimeout`, `clearTimeout`, `random`.
   * `onFrame(frame)` gets each frame, `onState(state)` each state, and `onLost()` is called when
   * the cursor turns out to be of no use.
   */
  constructor(io, { onFrame, onState, onLost }) {
    this.#io = io;
    this.onFrame = onFrame;
    this.onState = onState;
    this.onLost = onLost;
  }

  start() {
    if (this.#socket === null) this.#connect();
  }

  /** Close it; `start` goes on from the cursor. */
  stop() {
    this.#drop();
    this.#enter({ name: "idle" });
  }

  /** Something has changed for the better (the network is back, say): don't wait any longer. */
  hurry() {
    if (this.state.name === "waiting") this.#connect();
  }

  /** Start again, with what `io.open` makes of it now. */
  restart({ keepCursor }) {
    if (!keepCursor) this.cursor = null;
    this.#drop();
    this.#attempt = 0;
    this.#connect();
  }

  /** Send an action; lost without a connection, for the next one begins with all keys. */
  send(action) {
    if (this.state.name === "live") this.#socket.send(JSON.stringify(action));
  }

  #connect() {
    this.#drop();
    this.#enter({ name: "connecting" });
    const socket = this.#io.open(this.cursor);
    this.#socket = socket;
    this.#after(ANSWER_MS, () => this.#lost());
    socket.onmessage = (event) => this.#receive(event.data);
    socket.onclose = (event) => this.#lost(event.code);
  }

  #receive(text) {
    const frame = readFrame(text);
    this.#heardAt = this.#io.now();
    if (this.state.name !== "live") {
      this.#liveSince = this.#heardAt;
      this.#after(QUIET_MS, () => this.#listen());
      this.#enter({ name: "live" });
    }
    // Every answer has one: it is where we are, not where the stream has got to meanwhile.
    if (typeof frame.cursor === "string") this.cursor = frame.cursor;
    this.onFrame(frame);
  }

  #listen() {
    const now = this.#io.now();
    const silence = now - this.#heardAt;
    if (silence < QUIET_MS) return this.#after(QUIET_MS - silence, () => this.#listen());
    this.#socket.send(this.#io.ping());
    return this.#after(ANSWER_MS, () => (this.#heardAt < now ? this.#lost() : this.#listen()));
  }

  async #lost(code = 0) {
    const answered = this.state.name === "live";
    if (answered && this.#io.now() - this.#liveSince >= STEADY_MS) this.#attempt = 0;
    this.#drop();
    if (answered) return this.#wait(code);
    this.#enter({ name: "connecting" });
    const asked = this.state;
    const { status, reason } = await this.#io.diagnose(this.cursor);
    if (this.state !== asked) return undefined; // somebody has stopped or restarted it meanwhile
    if (status === BAD_REQUEST && this.cursor !== null) {
      // It may not take the cursor: the topic was made anew, or it is another cluster's.
      this.cursor = null;
      this.onLost();
    } else if (FINAL.includes(status)) {
      return this.#enter({ name: "refused", status, reason });
    }
    return this.#wait(code);
  }

  #wait(code) {
    const pause = backoff(this.#attempt++, this.#io.random);
    this.#enter({ name: "waiting", retryAt: this.#io.now() + pause, code });
    this.#after(pause, () => this.#connect());
  }

  #enter(state) {
    this.state = state;
    this.onState(state);
  }

  #after(ms, act) {
    if (this.#timer !== null) this.#io.clearTimeout(this.#timer);
    this.#timer = this.#io.setTimeout(act, ms);
  }

  #drop() {
    if (this.#timer !== null) this.#io.clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#socket === null) return;
    this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close();
    this.#socket = null;
  }
}
