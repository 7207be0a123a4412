// What the page says of its connection, in words.

import { asSeconds } from "./format.js";

/**
 * `{tone, text, detail, canRetry, needsToken}` of a connection's state. `tone` is "good", "busy",
 * "bad" or "calm"; `detail` is "" while there is nothing to worry about.
 */
export function statusOf(state, { now, isOnline, hasResults, hasToken }) {
  const resumes = hasResults
    ? "What you see stands still; it will go on where it stopped, with nothing left out."
    : "";
  const plain = { detail: "", canRetry: false, needsToken: false };
  switch (state.name) {
    case "live":
      return { ...plain, tone: "good", text: "Live" };
    case "connecting":
      return { ...plain, tone: "busy", text: "Connecting", detail: resumes };
    case "waiting": {
      if (!isOnline) return { ...plain, tone: "bad", text: "Offline", detail: resumes };
      const text = `Reconnecting in ${asSeconds(state.retryAt - now)}`;
      const detail = resumes || "The gateway doesn't answer.";
      return { ...plain, tone: "bad", text, detail, canRetry: true };
    }
    case "refused":
      return { ...plain, ...refusal(state, hasToken) };
    default:
      return { ...plain, tone: "calm", text: "Not connected" };
  }
}

function refusal({ status, reason }, hasToken) {
  if (status === 401) {
    const detail = hasToken ? "This token isn't known here." : "This gateway asks for a token.";
    return { tone: "bad", text: "Token needed", detail, needsToken: true };
  }
  const detail = `The gateway refuses: ${reason || `status ${status}`}.`;
  return { tone: "bad", text: "Refused", detail, needsToken: status === 403 };
}

/** What a screen reader is told when one state follows another; "" for nothing. */
export function announcement(before, after) {
  if (before === after) return "";
  if (after === "live") return before === "idle" ? "" : "Connected.";
  if (after === "waiting") return "Connection lost. Reconnecting.";
  if (after === "refused") return "The gateway refuses the connection.";
  return "";
}
