// Offsets into texts. A browser counts UTF-16 units; what is exported counts code points, as Python does.

const toCodePoints = (text, units) => [...text.slice(0, units)].length;

function toUnits(text, codePoints) {
  let units = 0;
  for (const character of text) {
    if (codePoints-- <= 0) break;
    units += character.length;
  }
  return units;
}

// The selected part of an element that holds one text, in units and without the white space at its ends;
// null where nothing in it is selected.
function selectedUnits(node) {
  const selection = document.getSelection();
  if (!selection.rangeCount || selection.isCollapsed) return null;
  const range = selection.getRangeAt(0);
  if (!node.contains(range.startContainer) || !node.contains(range.endContainer)) return null;
  const before = document.createRange();
  before.setStart(node, 0);
  before.setEnd(range.startContainer, range.startOffset);
  const start = before.toString().length;
  const selected = range.toString();
  const trimmed = selected.trim();
  if (!trimmed) return null;
  const lead = selected.length - selected.trimStart().length;
  return { start: start + lead, end: start + lead + trimmed.length };
}
