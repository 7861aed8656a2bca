// Seconds of work on an item: time counts while the page is seen and something was done in the last minute.

const IDLE_AFTER_MS = 60_000;

class Stopwatch {
  constructor() {
    this.restart();
    for (const sign of ["keydown", "pointermove", "wheel", "touchstart"]) {
      window.addEventListener(sign, () => this.sign(), { passive: true });
    }
  }

  restart() {
    this.started = this.lastSign = performance.now();
  }

  sign() {
    const now = performance.now();
    // A pause longer than the limit is no work: leave it out.
    if (now - this.lastSign > IDLE_AFTER_MS) this.started += now - this.lastSign - IDLE_AFTER_MS;
    this.lastSign = now;
  }

  // Seconds since the last call.
  take() {
    const end = Math.min(performance.now(), this.lastSign + IDLE_AFTER_MS);
    const seconds = Math.max(0, end - this.started) / 1000;
    this.restart();
    return seconds;
  }
}
