// What things are called, by the parameter that the page shows.

const WORDS = {
  hashtag: { title: "Top hashtags", tab: "Hashtags", one: "hashtag", many: "hashtags", sign: "#" },
  symbol: { title: "Stock symbols", tab: "Symbols", one: "symbol", many: "symbols", sign: "" },
};

/** `{title, tab, one, many, sign}`; keys that we don't know are just keys. */
export function wordsOf(parameter) {
  if (Object.hasOwn(WORDS, parameter)) return WORDS[parameter];
  return { title: parameter, tab: parameter, one: "key", many: "keys", sign: "" };
}
