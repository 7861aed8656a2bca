// Showing what is to be judged: texts, conversations, and other JSON as it is.

const FOLD_AFTER_CHARACTERS = 1500;

// The texts of the item that is up, each in an element of its own: {node, text, field, path}.
let shownTexts = [];

function showItem(row, container) {
  shownTexts = [];
  container.replaceChildren(
    ...row.fields.map((field) => el("div", { className: "field" }, el("h2", {}, el("bdi", {}, field.name)), showField(field)))
  );
  container.scrollTop = 0;
}

function showField({ name, kind, value }) {
  if (kind === "conversation") return el("div", {}, ...value.map((turn, at) => showTurn(turn, name, at)));
  return kind === "text" ? showText(value, name, []) : el("div", { className: "json", dir: "auto" }, value);
}

function showText(text, field, path) {
  const node = el("div", { className: text.length < 60 ? "text short" : "text", dir: "auto" }, text);
  shownTexts.push({ node, text, field, path });
  return node;
}

function showTurn(turn, field, at) {
  const known = ["user", "assistant"].includes(turn.role) ? ` ${turn.role}` : "";
  const isList = Array.isArray(turn.content);
  const texts = (isList ? turn.content : [turn.content])
    .map((part, place) => [part, [at, "content", ...(isList ? [place] : [])]])
    .filter(([part]) => part !== null && part !== undefined && part !== "")
    .map(([part, path]) => showPart(part, field, path));
  const calls = (turn.tool_calls ?? []).map(showCall);
  return el("div", { className: `turn${known}` }, el("b", {}, turn.name ? `${turn.role}: ${turn.name}` : turn.role),
    ...texts.map(fold), ...calls);
}

function showPart(part, field, path) {
  if (typeof part === "string") return showText(part, field, path);
  if (typeof part?.text === "string") return showText(part.text, field, [...path, "text"]);
  return el("div", { className: "json", dir: "auto" }, JSON.stringify(part, null, 2));
}

function showCall(call) {
  const called = call?.function ? `${call.function.name}(${call.function.arguments})` : JSON.stringify(call, null, 2);
  return el("div", { className: "json", dir: "auto" }, `→ ${called}`);
}

function fold(node) {
  const text = node.textContent;
  if (text.length <= FOLD_AFTER_CHARACTERS) return node;
  return el("details", {}, el("summary", { dir: "auto" }, say("folded", { start: text.slice(0, 120), count: text.length })), node);
}

// Mark the texts of the item anew.
function paintItem(spans, pattern) {
  for (const { node, text, field, path } of shownTexts) {
    const here = spans.filter((span) => span.field === field && String(span.path) === String(path));
    const ranges = here.map(({ start, end, of }) => ({ start: toUnits(text, start), end: toUnits(text, end), kind: "span", title: of }));
    paint(node, text, [...ranges, ...keywordRanges(text, pattern)]);
  }
}

// What is selected in the texts of the item, as a span without the field of the object; null where nothing is.
function selectedSpan() {
  for (const { node, text, field, path } of shownTexts) {
    const units = selectedUnits(node);
    if (units) return spanAt(text, field, path, units.start, units.end);
  }
  return null;
}

// Where a text stands in the item, in order. Capitals make no difference where it does not stand as it is.
function placesOf(wanted) {
  const find = (change) => shownTexts.flatMap(({ text, field, path }) => {
    const [within, sought] = [change(text), change(wanted)];
    const places = [];
    // A text that has another length without its capitals has other offsets.
    for (let at = within.length === text.length ? within.indexOf(sought) : -1; at >= 0; at = within.indexOf(sought, at + 1)) {
      places.push(spanAt(text, field, path, at, at + wanted.length));
    }
    return places;
  });
  const exact = find((text) => text);
  return exact.length ? exact : find((text) => text.toLowerCase());
}

function spanAt(text, field, path, start, end) {
  return { field, path, start: toCodePoints(text, start), end: toCodePoints(text, end), text: text.slice(start, end) };
}
