// What was answered and can be taken back, step by step, as long as the page is open.

class History {
  constructor() {
    this.past = [];
    this.future = [];
  }

  // `typing` names what is being typed: its keystrokes are one step.
  note(step, typing = null) {
    const last = this.past.at(-1);
    if (typing && last?.typing === typing) last.after = step.after;
    else this.past.push({ ...step, typing });
    this.future.length = 0;
  }

  undo() {
    const step = this.past.pop();
    if (step) this.future.push({ ...step, typing: null });
    return step && { ...step, state: step.before };
  }

  redo() {
    const step = this.future.pop();
    if (step) this.past.push(step);
    return step && { ...step, state: step.after };
  }

  // Steps of a row that was changed elsewhere lead nowhere.
  forget(rowId) {
    this.past = this.past.filter((step) => step.rowId !== rowId);
    this.future = this.future.filter((step) => step.rowId !== rowId);
  }
}

const stateOf = ({ values, spans, drafts, skipped, flag }) => structuredClone({ values, spans, drafts, skipped, flag });
