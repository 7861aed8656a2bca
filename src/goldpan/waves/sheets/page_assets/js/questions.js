// Drawing what belongs to an item: its questions, the answers of others, how far one is.

function makeControl(feature, value, reports) {
  if (feature.type === "multilabel") return multilabelControl(feature, value, reports);
  if (feature.type === "ranking") return rankingControl(feature, value, reports);
  if (feature.type === "extraction") return extractionControl(feature, value, reports);
  if (feature.type === "text") return textControl(feature, value, reports);
  return feature.choices ? choiceControl(feature, value, reports) : numberControl(feature, value, reports);
}

function drawFeature(name, place) {
  const feature = features.get(name);
  const value = answer().values[name];
  const given = el("span", { className: value === undefined ? "given none" : "given" }, answerText(feature, value));
  const heading = el("span", { dir: "auto" }, feature.heading);
  if (place !== active) {
    const open = el("button", { type: "button", className: "title", onclick: () => ((active = place), draw()) }, heading, given);
    return el("div", { className: "feature" }, el("h3", {}, open));
  }
  const spans = answer().spans[name] ?? [];
  control = makeControl(feature, value ?? answer().drafts[name], { give, keep, keepTyping, fail, spans, votes: votesOn(name) });
  const llm = row().llm[name];
  const abstain = feature.cannot_tell
    ? el("button", { type: "button", className: "quiet", "aria-pressed": String(value === null), onclick: () => give(null) },
        `${say("cannot_tell")} `, keyCap("x"))
    : null;
  return el("div", { className: "feature active" }, el("h3", {}, heading, given),
    el("p", { className: "about", dir: "auto" }, feature.description),
    llm ? el("p", { className: "llm" }, say("model_says", { answer: llm })) : null,
    control.node, abstain, el("p", { className: "error", role: "alert" }));
}

// Who of the annotators gave which answer, for the page on which disagreements are decided.
function votesOn(name) {
  const votes = {};
  for (const other of name === row().asks[0] ? row().answers : []) (votes[answerText(features.get(name), other.value)] ??= []).push(other.annotator);
  return votes;
}

// Of extracted objects all is shown, and not only how many there are: a line for each.
function otherText(other) {
  const feature = features.get(row().asks[0]);
  if (feature.type !== "extraction" || !other.value?.length) return answerText(feature, other.value);
  const shown = (value) => (typeof value === "object" ? JSON.stringify(value) : String(value));
  const has = (object) => feature.fields.filter(({ name }) => object[name] !== null && object[name] !== undefined);
  const line = (object) => has(object).map(({ name }) => `${name}: ${shown(object[name])}`);
  return other.value.map((object) => line(object).join(" · ")).join("\n");
}

function drawOthers() {
  const others = byId("others");
  others.hidden = !row().answers.length;
  others.replaceChildren(
    el("h3", {}, say("others_title")),
    el("div", { className: "side" }, ...row().answers.map((other) =>
      el("div", { className: "one" }, el("b", { dir: "auto" }, other.annotator), el("p", { dir: "auto" }, otherText(other)),
        other.note ? el("p", { className: "note", dir: "auto" }, other.note) : null,
        el("button", { type: "button", onclick: () => ((active = 0), give(other.value)) }, say("take_this")))))
  );
}

function drawProgress() {
  const done = rows.filter((one, place) => isAnswered(one, answers[place])).length;
  const flagged = answers.filter((one) => one.flag).length;
  byId("progress").max = rows.length;
  byId("progress").value = done;
  byId("count").textContent = [say("answered", { done, total: rows.length }), ...(flagged ? [say("flagged", { count: flagged })] : [])].join(" · ");
  const pace = itemsPerHour(rows, answers);
  byId("pace").textContent = pace === null ? "" : say("pace", { count: pace });
  byId("undo").disabled = !past.past.length;
  byId("redo").disabled = !past.future.length;
  const conflicts = exclusiveConflicts(data.exclusive, answer()).map((names) => names.map((name) => features.get(name).short).join(", "));
  byId("warning").hidden = !conflicts.length;
  byId("warning").textContent = say("only_one", { names: conflicts.join("; ") });
}

// Mark what is extracted: of the question that is up, else of all; and the words of the codebook.
function drawMarks() {
  const marked = answer().spans ?? {};
  const shown = features.get(activeName()).type === "extraction" ? marked[activeName()] ?? [] : Object.values(marked).flat();
  paintItem(shown.flat(), view.settings.keywords ? keywords.get(activeName()) : null);
}

function draw() {
  byId("features").replaceChildren(...row().asks.map(drawFeature));
  drawOthers();
  drawProgress();
  drawMarks();
  byId("place").value = current + 1;
  byId("flag").setAttribute("aria-pressed", String(answer().flag));
  byId("note").value = answer().note;
  const typed = ["text", "extraction"].includes(features.get(activeName()).type) || !features.get(activeName()).choices;
  if (typed && !(activeName() in answer().values)) control.focus();
  else if (document.activeElement !== document.body) document.activeElement.blur();
  byId("features").querySelector(".active").scrollIntoView({ block: "nearest" });
}

// Where all is in one column, going to the question may have moved the start of a long text out of sight, or under
// the answers of others, which stay at the top.
function showStart() {
  const top = byId("others").hidden ? 0 : byId("others").getBoundingClientRect().bottom;
  if (byId("item").getBoundingClientRect().top < top) window.scrollTo(0, 0);
}
