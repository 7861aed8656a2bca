// Autosave: one entry of localStorage for each row of the sheet, under the wave, annotator and codebook.

class Store {
  constructor(data) {
    this.prefix = `goldpan/${data.study}/${data.wave}/${data.annotator}/${data.codebook_hash}/`;
    this.works = true;
  }

  load(rowId) {
    try {
      const saved = localStorage.getItem(this.prefix + rowId);
      return { ...Store.blank(), ...(saved ? JSON.parse(saved) : {}) };
    } catch {
      this.works = false;
      return Store.blank();
    }
  }

  save(rowId, answer) {
    try {
      localStorage.setItem(this.prefix + rowId, JSON.stringify(answer));
    } catch {
      this.works = false;
    }
    return this.works;
  }

  // Another tab with the same sheet saved something.
  onOutsideChange(callback) {
    window.addEventListener("storage", (event) => {
      if (event.key?.startsWith(this.prefix)) callback(event.key.slice(this.prefix.length));
    });
  }

  static blank() {
    return { values: {}, flag: false, skipped: false, note: "", seconds: 0 };
  }
}
