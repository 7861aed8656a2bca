// How the page looks: text size, keywords, pace, order. Kept in this browser for all pages; never exported.

const VIEW_KEY = "goldpan/(view)";
const SIZES = ["85%", "100%", "115%", "130%", "150%", "175%", "200%"];
const USUAL_VIEW = { size: 1, keywords: true, pace: true, order: "drawn" };

class View {
  constructor() {
    this.settings = { ...USUAL_VIEW };
    try {
      Object.assign(this.settings, JSON.parse(localStorage.getItem(VIEW_KEY) ?? "{}"));
    } catch {
      // It looks as usual.
    }
  }

  set(name, value) {
    this.settings[name] = value;
    try {
      localStorage.setItem(VIEW_KEY, JSON.stringify(this.settings));
    } catch {
      // It is forgotten with the page.
    }
    this.apply();
  }

  resize(steps) {
    this.set("size", Math.min(Math.max(this.settings.size + steps, 0), SIZES.length - 1));
  }

  apply() {
    document.documentElement.dataset.size = this.settings.size;
    byId("size").textContent = SIZES[this.settings.size];
    byId("show-keywords").checked = this.settings.keywords;
    byId("show-pace").checked = this.settings.pace;
    byId("order").value = this.settings.order;
    byId("pace").hidden = !this.settings.pace;
  }
}

// Items an hour of work, of those that are answered; the time is that which is exported with each answer.
function itemsPerHour(rows, answers) {
  const done = rows.map((one, place) => [one, answers[place]]).filter(([one, answer]) => isAnswered(one, answer));
  const seconds = done.reduce((sum, [, answer]) => sum + answer.seconds, 0);
  return done.length < 3 || seconds <= 0 ? null : Math.round((done.length / seconds) * 3600);
}
