// Answers as text, and whether they are complete.

function answerText(feature, value) {
  if (value === undefined) return "—";
  if (value === null) return say("cannot_tell_answer");
  if (feature.type === "binary") return say(value ? "yes" : "no");
  if (feature.type === "multilabel") return value.join("; ") || say("none_answer");
  if (feature.type === "ranking") return value.join(" > ");
  if (feature.type === "extraction") return value.length ? say("objects", { count: value.length }) : say("none_answer");
  return feature.choices?.find((choice) => choice.value === value)?.text ?? String(value);
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
