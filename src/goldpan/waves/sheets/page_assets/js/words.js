// The page's own words, in the language of the wave.

const words = JSON.parse(byId("data").textContent).words;
const isMirrored = document.documentElement.dir === "rtl";

// A sentence with its values. Among words written from the right, a value keeps its own direction.
function say(key, values = {}) {
  return words[key].replace(/\{(\w+)\}/g, (_, name) =>
    isMirrored && typeof values[name] === "string" ? `\u2068${values[name]}\u2069` : values[name]
  );
}
