/** A picture that has not come by then is not waited for: no media, a hidden page, `preload="none"`. */
const LONGEST_MS = 1_000;

/**
 * When the viewer sees the first picture. Whatever playback can begin without should begin after it: until
 * then the processor belongs to the player and the decoder.
 */
export class FirstFrame {
  #media: HTMLMediaElement | null = null;
  #act: (() => void) | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stop: (() => void) | null = null;

  attach(media: HTMLMediaElement): void {
    this.detach();
    this.#media = media;
    if (this.#act) this.#watch(media);
  }

  detach(): void {
    this.#stop?.();
    this.#stop = null;
    this.#media = null;
  }

  /** Calls `act` once, never from inside this call, as soon as there is a picture. Replaces an earlier one. */
  after(act: () => void): void {
    this.cancel();
    this.#act = act;
    this.#timer = setTimeout(() => this.#done(), LONGEST_MS);
    if (this.#media) this.#watch(this.#media);
  }

  /** Nothing is called any more. */
  cancel(): void {
    clearTimeout(this.#timer);
    this.#stop?.();
    this.#stop = null;
    this.#act = null;
  }

  #watch(media: HTMLMediaElement): void {
    const listening = new AbortController();
    this.#stop = () => listening.abort();
    if (media.readyState >= HAVE_CURRENT_DATA) return this.#decoded(media);
    media.addEventListener("loadeddata", () => this.#decoded(media), { once: true, signal: listening.signal });
  }

  /** There is a frame to show; sound alone has none. */
  #decoded(media: HTMLMediaElement): void {
    this.#stop?.();
    const video = media as Partial<HTMLVideoElement>;
    if (video.videoWidth && video.requestVideoFrameCallback) {
      const frame = video.requestVideoFrameCallback(() => this.#soon());
      this.#stop = () => video.cancelVideoFrameCallback?.(frame);
    } else {
      this.#soon();
    }
  }

  /** After the task that shows it. */
  #soon(): void {
    this.#stop = null;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#done());
  }

  #done(): void {
    const act = this.#act;
    this.cancel();
    act?.();
  }
}

const HAVE_CURRENT_DATA = 2;
