// Showing what is to be judged: texts, conversations, and other JSON as it is.

const FOLD_AFTER_CHARACTERS = 1500;

function showItem(row, container) {
  container.replaceChildren(
    ...row.fields.map((field) => el("div", { className: "field" }, el("h2", {}, field.name), showField(field)))
  );
  container.scrollTop = 0;
}

function showField({ kind, value }) {
  if (kind === "conversation") return el("div", {}, ...value.map(showTurn));
  return kind === "text" ? showText(value) : el("div", { className: "json" }, value);
}

function showText(text) {
  return el("div", { className: text.length < 60 ? "text short" : "text", dir: "auto" }, text);
}

function showTurn(turn) {
  const known = ["user", "assistant"].includes(turn.role) ? ` ${turn.role}` : "";
  const parts = Array.isArray(turn.content) ? turn.content : [turn.content];
  const texts = parts.filter((part) => part !== null && part !== undefined && part !== "").map(showPart);
  const calls = (turn.tool_calls ?? []).map(showCall);
  return el("div", { className: `turn${known}` }, el("b", {}, turn.name ? `${turn.role}: ${turn.name}` : turn.role),
    ...texts.map(fold), ...calls);
}

function showPart(part) {
  if (typeof part === "string") return showText(part);
  if (typeof part?.text === "string") return showText(part.text);
  return el("div", { className: "json" }, JSON.stringify(part, null, 2));
}

function showCall(call) {
  const called = call?.function ? `${call.function.name}(${call.function.arguments})` : JSON.stringify(call, null, 2);
  return el("div", { className: "json" }, `→ ${called}`);
}

function fold(node) {
  const text = node.textContent;
  if (text.length <= FOLD_AFTER_CHARACTERS) return node;
  return el("details", {}, el("summary", {}, `${text.slice(0, 120)} … (${text.length} characters)`), node);
}
