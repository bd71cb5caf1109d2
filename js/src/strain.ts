/** How late a timer may come in the mean, in ms: while the viewer has little ahead, and at all. */
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
 * the player's then, and sharing rests, for twice as long if that is soon after the last rest.
 */
export class Strain {
  /** Whether sharing rests. For others to read. */
  rests = false;
  readonly #ahead: () => number;
  readonly #changed: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lateMs = 0;
  #restMs = REST_MS;
  /** The end of the last rest, or of this one. */
  #until = 0;

  /** `ahead`: how much the viewer has, in ms; `changed`: a rest begins or ends. */
  constructor(ahead: () => number, changed: () => void) {
    this.#ahead = ahead;
    this.#changed = changed;
  }

  /** To be called a few times a second while something is played: there is no timer else. */
  look(): void {
    const due = performance.now() + TIMER_MS;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      const now = performance.now();
      // Of a hidden page the browser holds back timers.
      if (now - due < ASLEEP_MS && !globalThis.document?.hidden) this.#came(now, due);
    }, TIMER_MS);
  }

  #came(now: number, due: number): void {
    this.#lateMs += (Math.min(now - due, CAP_MS) - this.#lateMs) / MEAN_OVER;
    const most = this.#ahead() < LITTLE_AHEAD_MS ? LATE_MS : MOST_LATE_MS;
    if (this.rests ? now < this.#until || this.#lateMs > CALM_MS : this.#lateMs < most) return;
    this.rests = !this.rests;
    if (this.rests) {
      const soon = this.#until > 0 && now < this.#until + 4 * this.#restMs;
      this.#restMs = soon ? 2 * this.#restMs : REST_MS;
      this.#until = now + this.#restMs * (0.5 + Math.random());
    } else this.#until = now;
    this.#changed();
  }
}
