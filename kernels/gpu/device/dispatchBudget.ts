/** A longer dispatch keeps a slow card from drawing the desktop and from computing a completion in between. */
const MOST_MS = 50;
/** Multiply-adds in a millisecond of a slow integrated GPU: what is assumed before any were measured. */
const ASSUMED = 1e7;
/** Fewer workgroups would leave a part of the slowest GPUs idle. */
const FEWEST_TILES = 16;

/** How much a dispatch of a large product may compute on this device, by the rate that its steps have reached so far. */
export class DispatchBudget {
  #macsPerMs: number | undefined;
  /** Of the step that is recorded. */
  #macs = 0;

  /** How many of the columns and lines of tiles, of `tileMacs` multiply-adds each, a dispatch computes. */
  tilesFor(tileMacs: number, [columns, lines]: readonly [number, number]): readonly [number, number] {
    this.#macs += tileMacs * columns * lines;
    const most = Math.max(FEWEST_TILES, Math.floor((MOST_MS * (this.#macsPerMs ?? ASSUMED)) / tileMacs));
    return most < columns ? [most, 1] : [columns, Math.min(lines, Math.floor(most / columns))];
  }

  /** Called before a step is recorded. */
  begin(): void {
    this.#macs = 0;
  }

  /** The step has taken `ms`, all else that it did included. The fastest counts: others compiled, or shared the device. */
  ended(ms: number): void {
    if (this.#macs > 0) this.#macsPerMs = Math.max(this.#macsPerMs ?? 0, this.#macs / Math.max(ms, 0.01));
  }
}
