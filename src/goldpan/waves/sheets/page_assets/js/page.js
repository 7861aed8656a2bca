// The page itself: which row and question is up, and how answers are given and taken back.

const data = JSON.parse(byId("data").textContent);
const view = new View();
const rows = data.rows;
const features = new Map(data.features.map((feature) => [feature.name, feature]));
const keywords = new Map(data.features.map((feature) => [feature.name, keywordPattern(feature.keywords ?? [])]));
const store = new Store(data);
const answers = rows.map((row) => store.load(row.row_id));
const watch = new Stopwatch();
const past = new History();
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
    notify(say("cannot_save"), true);
  }
}

// Change the answers to the item that is up, so that it can be taken back. `typing` joins keystrokes to one step.
function change(make, typing = null) {
  const before = stateOf(answer());
  make(answer());
  const step = { rowId: row().row_id, feature: activeName(), before, after: stateOf(answer()) };
  if (JSON.stringify(step.before) !== JSON.stringify(step.after)) past.note(step, typing);
  save();
}

// `draft` is what an answer holds so far that lacks something: it is kept, and never exported.
function setValue(one, name, value, spans, draft) {
  if (value === undefined) delete one.values[name];
  else one.values[name] = value;
  if (spans?.some((ofObject) => ofObject.length)) one.spans[name] = spans;
  else delete one.spans[name];
  if (draft) one.drafts[name] = draft;
  else delete one.drafts[name];
}

// Give an answer and go on: to the next open question of the item, or to the next open item.
function give(value, spans = []) {
  const name = activeName();
  notify("");
  change((one) => {
    setValue(one, name, value, spans);
    one.skipped = false;
  });
  byId("last").textContent = `${current + 1}: ${features.get(name).short} = ${answerText(features.get(name), value)}`;
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

// Save an answer that is still being worked on: as a step of its own, or with the keystrokes before.
const keep = (...given) => keepAs(null, given);
const keepTyping = (...given) => keepAs(`${row().row_id} ${activeName()}`, given);

function keepAs(typing, given) {
  const name = activeName();
  change((one) => setValue(one, name, ...given), typing);
  byId("export").classList.add("waiting");
  drawProgress();
  drawMarks();
}

function goBack(step) {
  const place = step ? rows.findIndex((one) => one.row_id === step.rowId) : -1;
  if (place < 0) return;
  if (place !== current) goTo(place);
  Object.assign(answer(), structuredClone(step.state));
  save();
  active = Math.max(row().asks.indexOf(step.feature), 0);
  draw();
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
  showItem(row(), byId("item"));
  draw();
  showStart();
}

// The next open item after this one, those that were skipped last; the whole sheet is done when there is none.
function goToOpen() {
  const order = rows.map((_, step) => (current + 1 + step) % rows.length).filter(isOpen);
  const next = order.find((place) => !answers[place].skipped) ?? order[0];
  if (next !== undefined) return goTo(next);
  draw();
  notify(say("all_answered", { total: rows.length }));
}

function skip() {
  change((one) => (one.skipped = true));
  goTo(current + 1 < rows.length ? current + 1 : 0);
}

function toggleFlag() {
  change((one) => (one.flag = !one.flag));
  draw();
}

function clearAnswer() {
  change((one) => setValue(one, activeName(), undefined));
  draw();
}

function exportAll() {
  save();
  const name = download(exportDocument(data, rows, answers));
  const open = rows.filter((_, place) => isOpen(place)).length;
  const left = open ? say("still_open", { open, total: rows.length }) : say("complete");
  notify([say("saved_as", { file: name }), left, say("put_into", { folder: data.folder })].join(" "));
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
    notify(say("taken_over", { count: taken.length, file: file.name }));
    goTo(current);
  } catch (error) {
    notify(error.message, true);
  }
}

const goPrevious = () => goTo(current - 1);
const goNext = () => goTo(current + 1);

// Those of which the model was least sure first, or as they were given out; the item that is up stays up.
function setOrder(order) {
  const here = row();
  const places = rows.map((_, place) => place);
  const by = (place) => (order === "uncertain" ? rows[place].place : rows[place].given);
  places.sort((one, other) => by(one) - by(other));
  const sorted = places.map((place) => [rows[place], answers[place]]);
  sorted.forEach(([one, its], place) => {
    rows[place] = one;
    answers[place] = its;
  });
  current = rows.indexOf(here);
}
