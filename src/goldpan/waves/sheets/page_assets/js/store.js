// Autosave: one entry of localStorage for each row of the sheet, under the wave, its redraw, annotator and codebook.

class Store {
  constructor(data) {
    const redraw = data.redraw ? `.${data.redraw}` : "";
    this.prefix = `goldpan/${data.study}/${data.wave}/${data.annotator}/${data.codebook_hash}${redraw}/`;
    this.works = true;
  }

  load(rowId) {
    return { ...Store.blank(), ...this.get(rowId) };
  }

  save(rowId, answer) {
    this.set(rowId, answer);
    return this.works;
  }

  // The row that was up last; undefined at first.
  get lastRow() {
    return this.get("(last row)");
  }

  set lastRow(rowId) {
    this.set("(last row)", rowId);
  }

  get(name) {
    try {
      return JSON.parse(localStorage.getItem(this.prefix + name) ?? "null") ?? undefined;
    } catch {
      this.works = false;
      return undefined;
    }
  }

  set(name, value) {
    try {
      localStorage.setItem(this.prefix + name, JSON.stringify(value));
    } catch {
      this.works = false;
    }
  }

  // Another tab with the same sheet saved something.
  onOutsideChange(callback) {
    window.addEventListener("storage", (event) => {
      if (event.key?.startsWith(this.prefix)) callback(event.key.slice(this.prefix.length));
    });
  }

  static blank() {
    return { values: {}, spans: {}, drafts: {}, flag: false, skipped: false, note: "", seconds: 0 };
  }
}
