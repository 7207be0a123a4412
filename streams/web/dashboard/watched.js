// The keys whose provisional counts this page asks for: those that it shows. Nobody gets those of all.

/** Most keys that are asked for at a time. */
const MOST = 200;

export class Watched {
  #keys = new Set();

  /** A new connection knows none of them. */
  forget() {
    this.#keys.clear();
  }

  /** What has to be said to have these keys: `[action, keys]` pairs, none if all is said. */
  become(keys) {
    const wanted = new Set([...keys].slice(0, MOST));
    const more = [...wanted].filter((key) => !this.#keys.has(key));
    const less = [...this.#keys].filter((key) => !wanted.has(key));
    this.#keys = wanted;
    const actions = [["subscribe", more], ["unsubscribe", less]];
    return actions.filter(([, changed]) => changed.length > 0);
  }
}
