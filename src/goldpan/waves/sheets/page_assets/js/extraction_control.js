// A list of objects, each a small form that follows the fields of the feature; forms may nest. What an object
// stands for can be marked in the text: its spans go beside the answer, a list for each object.

function extractionControl(feature, value, { give, keep, keepTyping, fail, spans }) {
  // A mark, and an object that is removed, is a step that can be taken back; keystrokes are joined to one.
  const changed = () => keep(...readOr([undefined, []]));
  const typed = () => keepTyping(...readOr([undefined, []]));
  const list = objectList(feature.fields, value ?? [], feature.title, changed, spans);
  const marker = spanMarker(feature.fields, list, changed, fail);
  const node = el("div", {}, marker.node, list.node);

  function readOr(other) {
    try {
      const objects = list.read();
      return objects.length ? [objects, list.spans()] : other;
    } catch {
      return [undefined, list.spans(), list.draft()];
    }
  }

  function finish() {
    try {
      const objects = list.read();
      if (feature.max_items && objects.length > feature.max_items) throw new Error(say("at_most", { max: feature.max_items }));
      give(objects, list.spans());
    } catch (error) {
      fail(error.message);
    }
  }

  node.append(
    el(
      "div",
      { className: "actions" },
      el("button", { type: "button", className: "main", onclick: finish }, `${say("done")} `, keyCap("Ctrl Enter")),
      el("button", { type: "button", className: "quiet", onclick: () => give([], []) }, say("there_are_none"))
    )
  );
  node.addEventListener("input", typed);
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
      if (marker.take()) return true;
      if (!list.size()) list.add();
      list.focus();
      return true;
    },
    finish,
    focus: () => list.focus(),
  };
}

// The buttons that lead from the text to an object and back.
function spanMarker(fields, list, changed, fail) {
  const main = fields.find((field) => field.type === "string" && !field.labels);
  if (!main) return { node: el("span"), take: () => false };
  let target = null;
  let selected = null;
  const add = el("button", { type: "button", className: "quiet", onclick: () => take(selectedSpan() ?? selected) || fail(say("nothing_marked")) }, say("mark_selection"), " ", keyCap("Enter"));
  const find = el("button", { type: "button", className: "quiet", onclick: () => findNext() }, say("find_in_text"));
  // A tap on a button would take the selection away.
  for (const button of [add, find]) button.addEventListener("mousedown", (event) => event.preventDefault());
  document.addEventListener("selectionchange", remember);
  list.node.addEventListener("focusin", (event) => {
    target = list.inputOf(event.target) ?? target;
  });

  // On a phone a tap takes the selection away before the button knows of it.
  function remember() {
    if (!list.node.isConnected) return document.removeEventListener("selectionchange", remember);
    selected = selectedSpan() ?? selected;
  }

  function take(span = selectedSpan()) {
    if (!span) return false;
    // Into the empty field that one was in, else into an object of its own.
    const isFree = target && list.has(target.form) && !target.input.value;
    const place = isFree ? target : list.add().inputFor(main.name);
    setText(place.input, span.text);
    place.form.mark(place.name, span);
    selected = null;
    document.getSelection().removeAllRanges();
    changed();
    place.form.firstEmpty()?.focus();
    return true;
  }

  // The next place where what is written in the field stands in the text.
  function findNext() {
    const place = target && list.has(target.form) ? target : list.last()?.inputFor(main.name);
    const places = place?.input.value.trim() ? placesOf((place.form.markedText(place.name) ?? place.input.value).trim()) : [];
    if (!places.length) return fail(say("not_in_text"));
    const before = place.form.spans.find((span) => span.of === place.name);
    const at = places.findIndex((one) => before && one.field === before.field && String(one.path) === String(before.path) && one.start === before.start);
    place.form.mark(place.name, places[(at + 1) % places.length]);
    fail("");
    changed();
  }

  return { node: el("div", { className: "actions marking" }, add, find), take };
}

function objectList(fields, objects, name, changed, spans = []) {
  const forms = [];
  const box = el("div");
  const button = el("button", { type: "button", className: "quiet", onclick: () => add().focus() }, say("add_to", { name }));

  function add(object = {}, marked = []) {
    const form = objectForm(fields, object, `${name} ${forms.length + 1}`, marked);
    const remove = () => {
      forms.splice(forms.indexOf(form), 1);
      form.node.remove();
      changed();
    };
    form.node.append(el("button", { type: "button", className: "quiet", onclick: remove }, say("remove")));
    forms.push(form);
    box.append(form.node);
    return form;
  }

  objects.forEach((object, place) => add(object, spans[place]));
  return {
    node: el("div", {}, box, button),
    add,
    has: (form) => forms.includes(form),
    last: () => forms.at(-1),
    size: () => forms.length,
    focus: () => (forms[0] ?? { focus: () => button.focus() }).focus(),
    read: () => forms.map((form) => form.read()),
    draft: () => forms.map((form) => form.draft()),
    spans: () => forms.map((form) => form.spans),
    inputOf: (node) => forms.map((form) => form.inputOf(node)).find(Boolean),
  };
}

function objectForm(fields, object, name, spans = []) {
  const inputs = fields.map((field) => fieldInput(field, object?.[field.name]));
  const form = {
    node: el("fieldset", { className: "form" }, el("legend", { dir: "auto" }, name), ...inputs.map((input) => input.node)),
    spans: [...spans],
    focus: () => inputs[0].focus(),
    read: () => Object.fromEntries(fields.map((field, place) => [field.name, form.markedText(field.name) ?? inputs[place].read()])),
    // What is there so far of an object that lacks something.
    draft: () => Object.fromEntries(fields.map((field, place) => [field.name, form.markedText(field.name) ?? inputs[place].draft()])),
    // What is marked and still in its field, as it stands in the text: a field makes all line breaks alike.
    markedText(of) {
      const text = form.spans.find((span) => span.of === of)?.text;
      return text?.replace(/\r\n?/g, "\n") === form.inputFor(of).input?.value ? text : undefined;
    },
    inputFor: (wanted) => ({ form, name: wanted, input: inputs[fields.findIndex((field) => field.name === wanted)].input }),
    // The field of a text that one is in.
    inputOf(node) {
      const place = inputs.findIndex((input) => input.input === node);
      return place >= 0 && fields[place].type === "string" && !fields[place].labels ? form.inputFor(fields[place].name) : null;
    },
    firstEmpty: () => inputs.find((input, place) => input.input && !input.input.value && !fields[place].nullable),
    // Where a field stands in the text. Whole numbers called start and end take its offsets.
    mark(of, span) {
      form.spans = [...form.spans.filter((other) => other.of !== of), { of, ...span }];
      for (const [end, offset] of [["start", span.start], ["end", span.end]]) {
        const place = fields.findIndex((field) => field.name === end && field.type === "integer");
        if (place >= 0) inputs[place].input.value = offset;
      }
    },
  };
  return form;
}

function fieldInput(field, value) {
  if (field.type === "object") return objectForm(field.fields, value ?? {}, field.name);
  if (field.type === "list" && field.fields) return objectList(field.fields, value ?? [], field.name, () => {});
  const input = inputFor(field, value);
  const read = () => (field.nullable && input.value === "" ? null : readField(field, input.value));
  return {
    node: el("label", { dir: "auto" }, field.description ? `${field.name} — ${field.description}` : field.name, input),
    input,
    focus: () => input.focus(),
    read() {
      try {
        return read();
      } catch (error) {
        throw new Error(`${field.name}: ${error.message}`);
      }
    },
    draft() {
      try {
        return read();
      } catch {
        return null;
      }
    },
  };
}

function inputFor(field, value) {
  // What is chosen is told apart by its value: labels are never translated, and yes and no are.
  const options = field.labels?.map((label) => [label, label]) ??
    (field.type === "boolean" ? [["yes", say("yes")], ["no", say("no")]] : null);
  if (options) {
    const shown = typeof value === "boolean" ? (value ? "yes" : "no") : value ?? "";
    const select = el("select", {}, ...[["", ""], ...options].map(([chosen, text]) => el("option", { value: chosen }, text)));
    select.value = shown;
    return select;
  }
  if (field.type === "list") return el("textarea", { rows: 2, value: (value ?? []).join("\n"), placeholder: say("one_a_line"), dir: "auto" });
  return field.type === "string" ? textInput(value ?? "") : el("input", { className: "input", value: value ?? "", dir: "auto" });
}

// A text is one line as a rule; a mark over a line break has several, which are kept.
function textInput(value) {
  const input = el("textarea", { className: "input", dir: "auto" });
  input.addEventListener("input", () => setText(input, input.value));
  input.addEventListener("keydown", (event) => {
    const isPlain = !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.isComposing;
    if (event.key === "Enter" && isPlain) event.preventDefault();
  });
  setText(input, value);
  return input;
}

function setText(input, text) {
  if (input.value !== text) input.value = text;
  input.rows = Math.min(input.value.split("\n").length, 6);
}

function readField(field, text) {
  if (field.type === "boolean" || field.labels) {
    if (text === "") throw new Error(say("choose_one"));
    return field.type === "boolean" ? text === "yes" : text;
  }
  if (field.type === "list") return text.split("\n").filter((line) => line.trim());
  if (field.type === "string") return text;
  return readNumber(text, { integer: field.type === "integer", min: -Infinity, max: Infinity });
}
