/** What takes longer keeps a slow card from drawing the desktop and from computing a completion in between. */
const MOST_MS = 50;
/** Multiply-adds in a millisecond of a slow integrated GPU: what is assumed where nothing is known. */
const ASSUMED = 1e7;
/** Fewer workgroups would leave a part of the slowest GPUs idle. */
const FEWEST_TILES = 16;

/** How much a dispatch, and a submission, may compute on this device, by the rate that its steps have reached so far. */
export class DispatchBudget {
  #macsPerMs: number | undefined;
  #assumed = ASSUMED;

  /** The rate that large steps have reached, in multiply-adds a millisecond; undefined before the first. */
  get macsPerMs(): number | undefined {
    return this.#macsPerMs;
  }

  /** Until a step of this process tells more, a rate counts that was reached before: half of it, as power may be saved now. */
  expect(macsPerMs: number): void {
    this.#assumed = macsPerMs / 2;
  }

  /** The multiply-adds of a large product that take as long as a dispatch may. */
  get mostMacs(): number {
    return MOST_MS * (this.#macsPerMs ?? this.#assumed);
  }

  /** How many of the columns and lines of tiles, of `tileMacs` multiply-adds each, a dispatch computes. */
  tilesFor(tileMacs: number, [columns, lines]: readonly [number, number]): readonly [number, number] {
    const most = Math.max(FEWEST_TILES, Math.floor(this.mostMacs / tileMacs));
    return most < columns ? [most, 1] : [columns, Math.min(lines, Math.floor(most / columns))];
  }

  /** How much of a step of `macs` a submission computes; `likelyMs` is what the step took last time, 0 where it is new. */
  submissionMacs(macs: number, likelyMs: number): number {
    return likelyMs > 0 ? (macs * MOST_MS) / likelyMs : this.mostMacs;
  }

  /**
   * A step of `macs` has taken `ms`, all else that it did included. The fastest counts: others shared the device. A small
   * step is mostly that else, and tells nothing of a device that seems to be slower than was assumed.
   */
  ended(macs: number, ms: number): void {
    const reached = macs / Math.max(ms, 0.01);
    const tellsOfSlowness = macs >= ASSUMED && ms >= MOST_MS;
    if (reached > (this.#macsPerMs ?? (tellsOfSlowness ? 0 : this.#assumed))) this.#macsPerMs = reached;
  }
}
