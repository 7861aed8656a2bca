// What keys do.

const KEYS = {
  // Where words are written from the right, the next page is on the left.
  ArrowLeft: isMirrored ? goNext : goPrevious,
  ArrowRight: isMirrored ? goPrevious : goNext,
  ArrowUp: () => ((active = Math.max(active - 1, 0)), draw()),
  ArrowDown: () => ((active = Math.min(active + 1, row().asks.length - 1)), draw()),
  Backspace: clearAnswer,
  Delete: clearAnswer,
  x: () => features.get(activeName()).cannot_tell && give(null),
  f: toggleFlag,
  s: skip,
  g: goToOpen,
  m: () => byId("note").focus(),
  c: () => showDialog(byId("codebook")),
  "?": () => showDialog(byId("help")),
  ".": () => showDialog(byId("view")),
  "+": () => view.resize(1),
  "=": () => view.resize(1),
  "-": () => view.resize(-1),
  "*": toggleKeywords,
};

function toggleKeywords() {
  view.set("keywords", !view.settings.keywords);
  drawMarks();
}

const undo = () => goBack(past.undo());
const redo = () => goBack(past.redo());

// Within a field that something was typed into, the browser undoes what was typed.
function onUndoKey(event) {
  const key = event.key.toLowerCase();
  if (!(event.ctrlKey || event.metaKey) || !["z", "y"].includes(key) || event.target.dataset.typed) return false;
  event.preventDefault();
  if (key === "y" || event.shiftKey) redo();
  else undo();
  return true;
}

// The key as labels name it. On some keyboards (French ones) a digit takes the shift key; here it does not.
function keyOf(event) {
  if (event.code.startsWith("Digit") && !event.shiftKey) return event.code.slice(-1);
  return event.key.length === 1 ? event.key.toLowerCase() : event.key;
}

function onKey(event) {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s") {
    event.preventDefault();
    return exportAll();
  }
  if (onUndoKey(event)) return undefined;
  if (event.key === "Escape") return event.target.blur?.();
  const typing = ["INPUT", "TEXTAREA", "SELECT"].includes(event.target.tagName);
  if (typing || event.altKey || document.querySelector("dialog[open]")) return;
  // Enter and space on a button press it.
  if (event.target.tagName === "BUTTON" && ["Enter", " "].includes(event.key)) return;
  if (event.ctrlKey || event.metaKey) {
    // In their fields, controls see to it themselves.
    if (event.key === "Enter" && control.finish) {
      event.preventDefault();
      control.finish();
    }
    return;
  }
  const key = keyOf(event);
  const used = control.onKey(key);
  if (used || KEYS[key]) event.preventDefault();
  if (!used) KEYS[key]?.();
}
