/** How late a timer may come in the mean, in ms: while the viewer has little ahead, and at all. What these are taken from is in docs/players.md. */
const LATE_MS = 30;
const MOST_LATE_MS = 50;
const LITTLE_AHEAD_MS = 1500;

/** Before sharing begins again. */
const CALM_MS = 15;

/** The mean is over about so many, three seconds of them. */
const MEAN_OVER = 12;

/** One timer counts for no more than this, and for nothing where the page was asleep: to have stood still once is no strain. */
const CAP_MS = 300;
const ASLEEP_MS = 1000;

const TIMER_MS = 100;

/** The first rest; each is up to half as much longer or shorter, lest all tabs of a machine come back at once. */
const REST_MS = 20_000;

/**
 * Whether the viewer's machine has time for others. It has none while timers come late again and again: what is left of it is
 * the player's then, and sharing rests, each time for twice as long as the time before.
 */
export class Strain {
  /** Whether sharing rests. For others to read. */
  rests = false;
  readonly #changed: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lateMs = 0;
  #restMs = REST_MS;
  /** When the latest rest may end. */
  #until = 0;

  /** `changed`: a rest begins or ends. */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** To be called a few times a second while something is played, of which the viewer has so many ms ahead: there is no timer else. */
  look(aheadMs: number): void {
    const due = performance.now() + TIMER_MS;
    this.#timer ??= setTimeout(() => {
      this.stop();
      const now = performance.now();
      // Of a hidden page the browser holds back timers: they count as in time, so that a rest may end there, and none begins.
      const lateMs = globalThis.document?.hidden ? 0 : now - due;
      if (lateMs < ASLEEP_MS) this.#came(now, lateMs, aheadMs < LITTLE_AHEAD_MS ? LATE_MS : MOST_LATE_MS);
    }, TIMER_MS);
  }

  /** Leaves no timer behind. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #came(now: number, lateMs: number, mostMs: number): void {
    this.#lateMs += (Math.min(lateMs, CAP_MS) - this.#lateMs) / MEAN_OVER;
    if (this.rests ? now < this.#until || this.#lateMs > CALM_MS : this.#lateMs < mostMs) return;
    this.rests = !this.rests;
    if (this.rests) {
      this.#until = now + this.#restMs * (0.5 + Math.random());
      this.#restMs *= 2;
    }
    this.#changed();
  }
}
