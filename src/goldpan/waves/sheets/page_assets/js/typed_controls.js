// Answers that are typed: numbers and text. The caret goes into the field at once.

function numberControl(feature, value, { give, fail }) {
  const input = el("input", { className: "input", inputMode: "decimal", value: value ?? "", "aria-label": feature.heading });
  const finish = () => {
    try {
      give(readNumber(input.value, feature));
    } catch (error) {
      fail(error.message);
    }
  };
  return typedControl(input, finish, (key) => key === "Enter");
}

function textControl(feature, value, { give, keepTyping, fail }) {
  const input = el("textarea", { rows: 4, value: value ?? "", dir: "auto", "aria-label": feature.heading });
  const fits = () => !feature.max_chars || [...input.value].length <= feature.max_chars;
  input.addEventListener("input", () => keepTyping(input.value.trim() && fits() ? input.value : undefined));
  const finish = () => {
    if (!input.value.trim()) fail(say("no_text"));
    else if (!fits()) fail(say("too_long", { max: feature.max_chars, count: [...input.value].length }));
    else give(input.value);
  };
  return typedControl(input, finish, (key, event) => key === "Enter" && (event.ctrlKey || event.metaKey));
}

function typedControl(input, finish, finishes) {
  input.addEventListener("keydown", (event) => {
    if (!finishes(event.key, event)) return;
    event.preventDefault();
    event.stopPropagation();
    finish();
  });
  const done = el("button", { type: "button", className: "main", onclick: finish }, `${say("done")} `, keyCap("Ctrl Enter"));
  return {
    node: el("div", {}, input, el("div", { className: "actions" }, done)),
    onKey(key) {
      if (key !== "Enter") return false;
      input.focus();
      return true;
    },
    finish,
    focus: () => input.focus(),
  };
}

// Throws an Error that says what is wrong.
function readNumber(text, { integer, min, max }) {
  const number = Number(text.trim().replace(",", "."));
  if (!text.trim() || !Number.isFinite(number)) throw new Error(say("not_a_number"));
  if (integer && !Number.isInteger(number)) throw new Error(say("whole_number"));
  if (number < min || number > max) throw new Error(say("out_of_range", { min, max }));
  return number;
}
