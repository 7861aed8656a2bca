// The page itself: which row and question is up, and what keys and buttons do.

const data = JSON.parse(byId("data").textContent);
const rows = data.rows;
const features = new Map(data.features.map((feature) => [feature.name, feature]));
const store = new Store(data);
const answers = rows.map((row) => store.load(row.row_id));
const watch = new Stopwatch();
let current = 0;
let active = 0;
let control = null;

const row = () => rows[current];
const answer = () => answers[current];
const activeName = () => row().asks[active];
const isOpen = (place) => !isAnswered(rows[place], answers[place]);

function save() {
  answer().seconds += watch.take();
  if (!store.save(row().row_id, answer())) {
    notify("This browser does not let the page save. Export before you close it.", true);
  }
}

// Give an answer and go on: to the next open question of the item, or to the next open item.
function give(value) {
  const name = activeName();
  notify("");
  answer().values[name] = value;
  answer().skipped = false;
  save();
  byId("last").textContent = `${current + 1}: ${name} = ${answerText(features.get(name), value)}`;
  byId("export").classList.add("waiting");
  const next = row().asks.findIndex((other, place) => place > active && !(other in answer().values));
  const left = next >= 0 ? next : row().asks.findIndex((other) => !(other in answer().values));
  if (left >= 0) {
    active = left;
    draw();
  } else if (exclusiveConflicts(data.exclusive, answer()).length) {
    draw();
  } else {
    goToOpen();
  }
}

// Save an answer that is still being worked on.
function keep(value) {
  if (value === undefined) delete answer().values[activeName()];
  else answer().values[activeName()] = value;
  save();
  byId("export").classList.add("waiting");
  drawProgress();
}

function fail(message) {
  byId("features").querySelector(".active .error").textContent = message;
}

function goTo(place) {
  if (!(place in rows)) return draw();
  save();
  current = place;
  const open = row().asks.findIndex((name) => !(name in answer().values));
  active = Math.max(open, 0);
  store.lastRow = row().row_id;
  draw();
  showItem(row(), byId("item"));
}

// The next open item after this one, those that were skipped last; the whole sheet is done when there is none.
function goToOpen() {
  const order = rows.map((_, step) => (current + 1 + step) % rows.length).filter(isOpen);
  const next = order.find((place) => !answers[place].skipped) ?? order[0];
  if (next !== undefined) return goTo(next);
  draw();
  notify(`All ${rows.length} are answered. Export now, and hand the file in.`);
}

function skip() {
  answer().skipped = true;
  goTo(current + 1 < rows.length ? current + 1 : 0);
}

function toggleFlag() {
  answer().flag = !answer().flag;
  save();
  draw();
}

function clearAnswer() {
  delete answer().values[activeName()];
  save();
  draw();
}

function exportAll() {
  save();
  const name = download(exportDocument(data, rows, answers));
  const open = rows.filter((_, place) => isOpen(place)).length;
  notify(`Saved as ${name}. ${open ? `${open} of ${rows.length} are still open.` : "It is complete."} Put it into ${data.folder}.`);
  byId("export").classList.remove("waiting");
}

async function loadExport(file) {
  try {
    const earlier = readExport(await file.text(), data);
    const taken = rows.filter((one, place) => {
      const found = earlier.get(one.item_id);
      if (!found || Object.keys(answers[place].values).length) return false;
      answers[place] = found;
      store.save(one.row_id, found);
      return true;
    });
    notify(`${taken.length} answers were taken over from ${file.name}.`);
    goTo(current);
  } catch (error) {
    notify(error.message, true);
  }
}

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
  const title = el("h3", { onclick: () => ((active = place), draw()) }, el("span", {}, feature.title), given);
  if (place !== active) return el("div", { className: "feature" }, title);
  control = makeControl(feature, value, { give, keep, fail, votes: votesOn(name) });
  const llm = row().llm[name];
  const abstain = feature.cannot_tell
    ? el("button", { type: "button", className: "quiet", "aria-pressed": String(value === null), onclick: () => give(null) },
        "Cannot tell ", keyCap("x"))
    : null;
  return el("div", { className: "feature active" }, title, el("p", { className: "about" }, feature.description),
    llm ? el("p", { className: "llm" }, `The LLM says: ${llm}`) : null,
    control.node, abstain, el("p", { className: "error", role: "alert" }));
}

// Who of the annotators gave which answer, for the page on which disagreements are decided.
function votesOn(name) {
  const votes = {};
  for (const other of name === row().asks[0] ? row().answers : []) (votes[other.text] ??= []).push(other.annotator);
  return votes;
}

function drawOthers() {
  const others = byId("others");
  others.hidden = !row().answers.length;
  others.replaceChildren(
    el("h3", {}, "What the annotators say"),
    el("div", { className: "side" }, ...row().answers.map((other) =>
      el("div", { className: "one" }, el("b", {}, other.annotator), el("p", {}, other.text),
        other.note ? el("p", { className: "note" }, other.note) : null,
        el("button", { type: "button", onclick: () => ((active = 0), give(other.value)) }, "Take this"))))
  );
}

function drawProgress() {
  const done = rows.filter((one, place) => isAnswered(one, answers[place])).length;
  const flagged = answers.filter((one) => one.flag).length;
  byId("progress").max = rows.length;
  byId("progress").value = done;
  byId("count").textContent = `${done} of ${rows.length} answered${flagged ? ` · ${flagged} flagged` : ""}`;
  const conflicts = exclusiveConflicts(data.exclusive, answer()).map((names) => names.join(", "));
  byId("warning").hidden = !conflicts.length;
  byId("warning").textContent = `Only one of these can be yes: ${conflicts.join("; ")}.`;
}

function draw() {
  byId("features").replaceChildren(...row().asks.map(drawFeature));
  drawOthers();
  drawProgress();
  byId("place").value = current + 1;
  byId("flag").setAttribute("aria-pressed", String(answer().flag));
  byId("note").value = answer().note;
  const typed = ["text", "extraction"].includes(features.get(activeName()).type) || !features.get(activeName()).choices;
  if (typed && !(activeName() in answer().values)) control.focus();
  else if (document.activeElement !== document.body) document.activeElement.blur();
  byId("features").querySelector(".active").scrollIntoView({ block: "nearest" });
}

const KEYS = {
  ArrowLeft: () => goTo(current - 1),
  ArrowRight: () => goTo(current + 1),
  ArrowUp: () => ((active = Math.max(active - 1, 0)), draw()),
  ArrowDown: () => ((active = Math.min(active + 1, row().asks.length - 1)), draw()),
  Backspace: clearAnswer,
  Delete: clearAnswer,
  x: () => features.get(activeName()).cannot_tell && give(null),
  f: toggleFlag,
  s: skip,
  g: goToOpen,
  m: () => byId("note").focus(),
  c: () => showDialog(byId("codebook")),
  "?": () => showDialog(byId("help")),
};

// The key as labels name it. On some keyboards (French ones) a digit takes the shift key; here it does not.
function keyOf(event) {
  if (event.code.startsWith("Digit") && !event.shiftKey) return event.code.slice(-1);
  return event.key.length === 1 ? event.key.toLowerCase() : event.key;
}

function onKey(event) {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s") {
    event.preventDefault();
    return exportAll();
  }
  if (event.key === "Escape") return event.target.blur?.();
  const typing = ["INPUT", "TEXTAREA", "SELECT"].includes(event.target.tagName);
  if (typing || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  // Enter and space on a button press it.
  if (event.target.tagName === "BUTTON" && ["Enter", " "].includes(event.key)) return;
  const key = keyOf(event);
  const used = control.onKey(key);
  if (used || KEYS[key]) event.preventDefault();
  if (!used) KEYS[key]?.();
}

function start() {
  byId("wave").textContent = data.title;
  byId("annotator").textContent = data.annotator;
  byId("not-blind").hidden = data.blind;
  byId("total").textContent = rows.length;
  fillCodebook(data, byId("codebook").querySelector(".sheet"));
  if (!rows.length) return notify("There is nothing to answer on this page.");
  const clicks = {
    "open-codebook": KEYS.c, "open-help": KEYS["?"], export: exportAll, load: () => byId("file").click(),
    previous: KEYS.ArrowLeft, next: KEYS.ArrowRight, flag: toggleFlag, skip, "next-open": goToOpen,
  };
  for (const [id, action] of Object.entries(clicks)) byId(id).addEventListener("click", action);
  byId("load").hidden = data.kind !== "goldpan answers";
  byId("file").addEventListener("change", (event) => event.target.files[0] && loadExport(event.target.files[0]));
  byId("place").addEventListener("change", (event) => goTo(Number(event.target.value) - 1));
  byId("note").addEventListener("input", (event) => {
    answer().note = event.target.value;
    save();
  });
  document.addEventListener("keydown", onKey);
  document.addEventListener("visibilitychange", () => (document.hidden ? save() : watch.restart()));
  store.onOutsideChange((rowId) => {
    const place = rows.findIndex((one) => one.row_id === rowId);
    if (place >= 0) answers[place] = store.load(rowId);
    if (place === current) draw();
  });
  goTo(Math.max(rows.findIndex((one) => one.row_id === store.lastRow), 0));
  if (!store.works) notify("This browser does not let the page save. Export before you close it.", true);
}

start();
