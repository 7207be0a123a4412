// Recognises results that were shown already, by their ids. A partition's results come in order,
// so that one number for each partition is all there is to remember.

/** Most partitions that are remembered; no application has nearly as many. */
const MAX_PARTITIONS = 10_000;

export class Repeats {
  #next = new Map();

  /** Whether this id ("topic-partition-offset") was seen; from now on it has been. */
  seen(id) {
    const cut = id.lastIndexOf("-");
    const partition = id.slice(0, cut);
    const offset = Number(id.slice(cut + 1));
    if (cut < 1 || !Number.isSafeInteger(offset)) return false;
    if (offset < (this.#next.get(partition) ?? 0)) return true;
    if (this.#next.size < MAX_PARTITIONS || this.#next.has(partition)) {
      this.#next.set(partition, offset + 1);
    }
    return false;
  }

  /** The stream begins anew, perhaps in another cluster. */
  forget() {
    this.#next.clear();
  }
}
