// Buttons, fields and other tabs; then the item that was up last.

function start() {
  byId("wave").textContent = data.title;
  byId("annotator").textContent = data.annotator;
  byId("not-blind").hidden = data.blind;
  byId("total").textContent = rows.length;
  rows.forEach((one, place) => (one.given = place));
  view.apply();
  const offersOrder = rows.some((one) => one.place !== undefined && one.place !== null);
  byId("order-setting").hidden = !offersOrder;
  byId("keywords-setting").hidden = !data.features.some((feature) => feature.keywords);
  fillCodebook(data, byId("codebook").querySelector(".sheet"));
  if (!rows.length) return notify(say("nothing"));
  if (offersOrder) setOrder(view.settings.order);
  const clicks = {
    "open-view": KEYS["."], larger: KEYS["+"], smaller: KEYS["-"], undo, redo,
    "open-codebook": KEYS.c, "open-help": KEYS["?"], export: exportAll, load: () => byId("file").click(),
    previous: goPrevious, next: goNext, flag: toggleFlag, skip, "next-open": goToOpen,
  };
  for (const [id, action] of Object.entries(clicks)) byId(id).addEventListener("click", action);
  byId("load").hidden = data.kind !== "goldpan answers";
  byId("file").addEventListener("change", (event) => event.target.files[0] && loadExport(event.target.files[0]));
  byId("place").addEventListener("change", (event) => goTo(Number(event.target.value) - 1));
  byId("show-keywords").addEventListener("change", toggleKeywords);
  byId("show-pace").addEventListener("change", (event) => view.set("pace", event.target.checked));
  byId("order").addEventListener("change", (event) => {
    view.set("order", event.target.value);
    setOrder(event.target.value);
    draw();
  });
  document.addEventListener("input", (event) => (event.target.dataset.typed = "yes"));
  byId("note").addEventListener("input", (event) => {
    answer().note = event.target.value;
    save();
  });
  document.addEventListener("keydown", onKey);
  document.addEventListener("visibilitychange", () => (document.hidden ? save() : watch.restart()));
  store.onOutsideChange((rowId) => {
    const place = rows.findIndex((one) => one.row_id === rowId);
    if (place >= 0) answers[place] = store.load(rowId);
    past.forget(rowId);
    if (place === current) draw();
  });
  goTo(Math.max(rows.findIndex((one) => one.row_id === store.lastRow), 0));
  if (!store.works) notify(say("cannot_save"), true);
}

start();
