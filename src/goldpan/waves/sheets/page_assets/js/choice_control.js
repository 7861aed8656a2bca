// One of several answers: yes and no, labels, small scores.
//
// A control is {node, onKey(key), focus()}. It reports with `give(value)`, which goes on to the next question, or
// `keep(value)`, which only saves. `onKey` says whether it used the key.

function choiceControl(feature, value, { give, votes }) {
  const short = feature.choices.every((choice) => choice.text.length < 8 && !choice.description);
  const buttons = feature.choices.map((choice) =>
    choiceButton(choice, { pressed: value === choice.value, votes: votes[answerText(feature, choice.value)] }, () => give(choice.value))
  );
  return {
    node: el("div", { className: short ? "choices row" : "choices" }, ...buttons),
    onKey(key) {
      const choice = feature.choices.find((one) => one.key === key);
      if (choice) give(choice.value);
      return Boolean(choice);
    },
    focus: () => buttons[0].focus(),
  };
}

function choiceButton(choice, { pressed, votes, order }, onclick) {
  return el(
    "button",
    { type: "button", className: "choice", "aria-pressed": String(pressed), onclick },
    keyCap(choice.key) ?? el("span"),
    el("span", { className: "name", dir: "auto" }, choice.text),
    order ? el("span", { className: "order" }, order) : null,
    choice.description ? el("span", { className: "about", dir: "auto" }, choice.description) : null,
    votes ? el("span", { className: "votes" }, votes.join(", ")) : null
  );
}
