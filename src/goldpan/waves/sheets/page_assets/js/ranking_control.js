// All items, best first: the key of the best, then of the second, and so on.

function rankingControl(feature, value, { give }) {
  const order = [...(value ?? [])];
  const place = (choice) => order.indexOf(choice.value);
  const list = el("div", { className: "choices" });
  const again = el("button", { type: "button", className: "quiet", onclick: () => restart() }, say("start_again"));

  function draw() {
    list.replaceChildren(
      ...feature.choices.map((choice) =>
        choiceButton(
          choice,
          { pressed: place(choice) >= 0, order: place(choice) >= 0 ? `${place(choice) + 1}.` : "" },
          () => pick(choice)
        )
      )
    );
    again.hidden = !order.length;
  }

  function pick(choice) {
    if (order.length === feature.choices.length) order.length = 0;
    if (place(choice) < 0) order.push(choice.value);
    draw();
    if (order.length === feature.choices.length) give([...order]);
  }

  function restart() {
    order.length = 0;
    draw();
  }

  draw();
  return {
    node: el("div", {}, list, el("div", { className: "actions" }, again)),
    onKey(key) {
      if (key === "Backspace" && order.length && order.length < feature.choices.length) {
        order.pop();
        draw();
        return true;
      }
      const choice = feature.choices.find((one) => one.key === key);
      if (choice) pick(choice);
      return Boolean(choice);
    },
    focus: () => list.firstChild.focus(),
  };
}
