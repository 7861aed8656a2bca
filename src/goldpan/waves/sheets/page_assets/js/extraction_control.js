// A list of objects, each a small form that follows the fields of the feature; forms may nest.

function extractionControl(feature, value, { give, keep, fail }) {
  const list = objectList(feature.fields, value ?? [], feature.name, () => keep(readOr(undefined)));
  const node = el("div", {}, list.node);

  function readOr(other) {
    try {
      const objects = list.read();
      return objects.length ? objects : other;
    } catch {
      return other;
    }
  }

  function finish() {
    try {
      const objects = list.read();
      if (feature.max_items && objects.length > feature.max_items) throw new Error(`At most ${feature.max_items}.`);
      give(objects);
    } catch (error) {
      fail(error.message);
    }
  }

  node.append(
    el(
      "div",
      { className: "actions" },
      el("button", { type: "button", className: "main", onclick: finish }, "Done ", keyCap("Ctrl Enter")),
      el("button", { type: "button", className: "quiet", onclick: () => give([]) }, "There are none")
    )
  );
  node.addEventListener("input", () => keep(readOr(undefined)));
  node.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    event.stopPropagation();
    finish();
  });
  return {
    node,
    onKey(key) {
      if (key !== "Enter") return false;
      if (!list.size()) list.add();
      list.focus();
      return true;
    },
    focus: () => list.focus(),
  };
}

function objectList(fields, objects, name, changed) {
  const forms = [];
  const box = el("div");
  const button = el("button", { type: "button", className: "quiet", onclick: () => add().focus() }, `Add to ${name}`);

  function add(object = {}) {
    const form = objectForm(fields, object, `${name} ${forms.length + 1}`);
    const remove = () => {
      forms.splice(forms.indexOf(form), 1);
      form.node.remove();
      changed();
    };
    form.node.append(el("button", { type: "button", className: "quiet", onclick: remove }, "Remove"));
    forms.push(form);
    box.append(form.node);
    return form;
  }

  objects.forEach(add);
  return {
    node: el("div", {}, box, button),
    add,
    size: () => forms.length,
    focus: () => (forms[0] ?? { focus: () => button.focus() }).focus(),
    read: () => forms.map((form) => form.read()),
  };
}

function objectForm(fields, object, name) {
  const inputs = fields.map((field) => fieldInput(field, object?.[field.name]));
  return {
    node: el("fieldset", { className: "form" }, el("legend", {}, name), ...inputs.map((input) => input.node)),
    focus: () => inputs[0].focus(),
    read: () => Object.fromEntries(fields.map((field, place) => [field.name, inputs[place].read()])),
  };
}

function fieldInput(field, value) {
  if (field.type === "object") return objectForm(field.fields, value ?? {}, field.name);
  if (field.type === "list" && field.fields) return objectList(field.fields, value ?? [], field.name, () => {});
  const input = inputFor(field, value);
  return {
    node: el("label", {}, field.description ? `${field.name} — ${field.description}` : field.name, input),
    focus: () => input.focus(),
    read() {
      if (field.nullable && input.value === "") return null;
      try {
        return readField(field, input.value);
      } catch (error) {
        throw new Error(`${field.name}: ${error.message}`);
      }
    },
  };
}

function inputFor(field, value) {
  const options = field.labels ?? (field.type === "boolean" ? ["yes", "no"] : null);
  if (options) {
    const shown = typeof value === "boolean" ? (value ? "yes" : "no") : value ?? "";
    const select = el("select", {}, ...["", ...options].map((text) => el("option", { value: text }, text)));
    select.value = shown;
    return select;
  }
  if (field.type === "list") return el("textarea", { rows: 2, value: (value ?? []).join("\n"), placeholder: "one a line" });
  return el("input", { className: "input", value: value ?? "" });
}

function readField(field, text) {
  if (field.type === "boolean" || field.labels) {
    if (text === "") throw new Error("choose one.");
    return field.type === "boolean" ? text === "yes" : text;
  }
  if (field.type === "list") return text.split("\n").filter((line) => line.trim());
  if (field.type === "string") return text;
  return readNumber(text, { integer: field.type === "integer", min: -Infinity, max: Infinity });
}
