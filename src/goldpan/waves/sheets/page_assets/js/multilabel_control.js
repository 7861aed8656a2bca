// Any of several labels: keys switch them on and off, Enter goes on.

function multilabelControl(feature, value, { give, keep, fail }) {
  const picked = new Set(value ?? []);
  const inOrder = () => feature.choices.map((choice) => choice.value).filter((label) => picked.has(label));
  const most = feature.max_labels ?? feature.choices.length;
  const fits = () => picked.size >= feature.min_labels && picked.size <= most;
  const buttons = feature.choices.map((choice) =>
    choiceButton(choice, { pressed: picked.has(choice.value) }, () => toggle(choice))
  );

  function toggle(choice) {
    if (!picked.delete(choice.value)) picked.add(choice.value);
    buttons[feature.choices.indexOf(choice)].setAttribute("aria-pressed", String(picked.has(choice.value)));
    keep(fits() && picked.size ? inOrder() : undefined);
  }

  function finish() {
    if (fits()) give(inOrder());
    else fail(say("pick_between", { min: feature.min_labels, max: most, count: picked.size }));
  }

  const done = el("button", { type: "button", className: "main", onclick: finish }, `${say("done")} `, keyCap("Enter"));
  return {
    node: el("div", {}, el("div", { className: "choices" }, ...buttons), el("div", { className: "actions" }, done)),
    onKey(key) {
      if (key === "Enter") return finish(), true;
      const choice = feature.choices.find((one) => one.key === key);
      if (choice) toggle(choice);
      return Boolean(choice);
    },
    focus: () => buttons[0].focus(),
  };
}
