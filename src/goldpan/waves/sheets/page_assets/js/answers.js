// Answers as text, and whether they are complete.

const CANNOT_TELL = "(cannot tell)";

function answerText(feature, value) {
  if (value === undefined) return "—";
  if (value === null) return CANNOT_TELL;
  if (feature.type === "binary") return value ? "yes" : "no";
  if (feature.type === "multilabel") return value.join("; ") || "(none)";
  if (feature.type === "ranking") return value.join(" > ");
  if (feature.type === "extraction") return value.length === 1 ? "1 object" : `${value.length || "no"} objects`;
  return String(value);
}

const isAnswered = (row, answer) => row.asks.every((name) => name in answer.values);

const isEmpty = (answer) =>
  !Object.keys(answer.values).length && !answer.flag && !answer.skipped && !answer.note;

// Groups of features of which several are answered with yes, though one may be.
function exclusiveConflicts(groups, answer) {
  return groups
    .map((group) => group.filter((name) => answer.values[name] === true))
    .filter((names) => names.length > 1);
}
