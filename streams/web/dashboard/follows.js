// The keys that somebody follows, remembered by the browser for each parameter.

/** Most keys that one page follows. */
export const MOST = 50;

export class Follows {
  #storage;
  #name;
  #keys;

  /** `storage` is the browser's, or null where there is none. */
  constructor(parameter, storage) {
    this.#storage = storage;
    this.#name = `tally.follows.${parameter}`;
    this.#keys = this.#stored();
  }

  /** In the order in which they were added. */
  get keys() {
    return [...this.#keys];
  }

  has(key) {
    return this.#keys.includes(key);
  }

  /** False if there are too many already. */
  add(key) {
    if (this.has(key)) return true;
    if (this.#keys.length >= MOST) return false;
    this.#keys.push(key);
    this.#store();
    return true;
  }

  remove(key) {
    this.#keys = this.#keys.filter((one) => one !== key);
    this.#store();
  }

  #stored() {
    try {
      const keys = JSON.parse(this.#storage?.getItem(this.#name) ?? "[]");
      return keys.filter((key) => typeof key === "string").slice(0, MOST);
    } catch {
      return []; // not ours, or not to be read
    }
  }

  #store() {
    try {
      this.#storage?.setItem(this.#name, JSON.stringify(this.#keys));
    } catch {
      // Full or switched off: they last as long as the page.
    }
  }
}
