// Marks in a text: what was extracted, and the keywords of the codebook. They may overlap.

// Fill an element with a text, and with `mark` elements where ranges [{start, end, kind, title}] (units) lie.
function paint(node, text, ranges) {
  const cuts = [...new Set([0, text.length, ...ranges.flatMap(({ start, end }) => [start, end])])].sort((a, b) => a - b);
  const parts = cuts.slice(0, -1).map((start, place) => {
    const part = text.slice(start, cuts[place + 1]);
    const over = ranges.filter((range) => range.start <= start && range.end >= cuts[place + 1]);
    if (!over.length) return part;
    const title = over.map((range) => range.title).filter(Boolean).join(", ");
    return el("mark", { className: [...new Set(over.map((range) => range.kind))].join(" "), title }, part);
  });
  node.replaceChildren(...parts);
}

// Scripts whose words no space divides: a keyword may begin and end anywhere.
const UNDIVIDED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

function keywordPattern(keywords) {
  // An accent may be a part of its letter or a mark of its own.
  const spelled = keywords.flatMap((keyword) => [...new Set([keyword, keyword.normalize("NFC"), keyword.normalize("NFD")])]);
  const patterns = spelled.map((keyword) => {
    const isOpen = keyword.endsWith("*");
    const text = isOpen ? keyword.slice(0, -1) : keyword;
    const literal = text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replace(/\s+/g, "\\s+");
    const characters = [...text];
    const before = UNDIVIDED.test(characters[0]) ? "" : "(?<![\\p{L}\\p{N}])";
    const after = UNDIVIDED.test(characters.at(-1)) ? "" : isOpen ? "[\\p{L}\\p{M}\\p{N}]*" : "(?![\\p{L}\\p{M}\\p{N}])";
    return before + literal + after;
  });
  return patterns.length ? new RegExp(patterns.join("|"), "giu") : null;
}

function keywordRanges(text, pattern) {
  if (!pattern) return [];
  return [...text.matchAll(pattern)].filter((match) => match[0]).map((match) => ({
    start: match.index, end: match.index + match[0].length, kind: "keyword",
  }));
}
