import { type KvLayout, PAGE_TOKENS } from '../../ops.ts';
import { f16ToF32, f32ToF16 } from '../../shared/f16.ts';
import { FORMATS } from './kvPool.ts';

/** Pages of keys and values that are hard to attend to, as a pool of one layer takes them. */
export interface HardPage {
  readonly bytes: Uint8Array;
  /** As the format gives them back: (kvHeads, PAGE_TOKENS, headDim). */
  readonly keys: Float32Array;
  readonly values: Float32Array;
}

/** What a page's keys and values are like, of random numbers from -1 to 1 and the number of the dimension. */
type Hardness = (value: number, dim: number) => number;
const plain: Hardness = (value) => value;
const outliers: Hardness = (value, dim) => (dim % 17 === 3 ? 20 * value : value);
const large: Hardness = (value) => 1.5 + value / 2;
const tiny: Hardness = (value) => Math.sign(value) * 1e-3 + 1e-3 * value;
const hugeOutliers: Hardness = (value, dim) => (dim % 13 === 5 ? 3e4 * value : value);

const PAGES: readonly { readonly keys: Hardness; readonly values: Hardness }[] = [
  { keys: plain, values: plain },
  { keys: outliers, values: plain },
  { keys: plain, values: hugeOutliers },
  { keys: large, values: large },
  { keys: tiny, values: tiny },
];

export function hardPages(layout: KvLayout, next: () => number): HardPage[] {
  return PAGES.map(({ keys, values }) => {
    const stored = [new Region(layout, true), new Region(layout, false)] as const;
    const made = stored.map((region, i) => region.fill(i === 0 ? keys : values, next));
    const bytes = new Uint8Array(stored[0].bytes.length * 2);
    stored.forEach((region, i) => bytes.set(region.bytes, i * region.bytes.length));
    return { bytes, keys: made[0]!, values: made[1]! };
  });
}

/** The keys, or the values, of a page and layer, in the layout of pages.wgsl. */
class Region {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  readonly #headBytes: number;

  constructor(
    readonly layout: KvLayout,
    readonly isKeys: boolean,
  ) {
    const { kvHeads, headDim, dtype } = layout;
    this.#headBytes = PAGE_TOKENS * FORMATS[dtype].bytes(headDim);
    this.bytes = new Uint8Array(kvHeads * this.#headBytes);
    this.#view = new DataView(this.bytes.buffer);
  }

  /** Writes numbers of such a kind, and returns them as the format gives them back. */
  fill(hardness: Hardness, next: () => number): Float32Array {
    const { kvHeads, headDim, dtype } = this.layout;
    const stored = new Float32Array(kvHeads * PAGE_TOKENS * headDim);
    for (let row = 0; row < kvHeads * PAGE_TOKENS; row++) {
      const numbers = stored.subarray(row * headDim, (row + 1) * headDim);
      for (let dim = 0; dim < headDim; dim++) numbers[dim] = hardness(2 * next() - 1, dim);
      const slot = row % PAGE_TOKENS;
      const headAt = Math.floor(row / PAGE_TOKENS) * this.#headBytes;
      const scale = dtype === 'q8' ? this.#scale(headAt, slot, numbers) : 1;
      for (let dim = 0; dim < headDim; dim++)
        numbers[dim] = this.#put(headAt, this.#index(slot, dim), numbers[dim]!, scale);
    }
    return stored;
  }

  /** The number of a value among those of its head. */
  #index(slot: number, dim: number): number {
    const { headDim, dtype } = this.layout;
    if (!this.isKeys) return slot * headDim + dim;
    const together = dtype === 'q8' ? 8 : 4; // Values of a position that lie side by side.
    return (Math.floor(dim / together) * PAGE_TOKENS + slot) * together + (dim % together);
  }

  #scale(headAt: number, slot: number, numbers: Float32Array): number {
    const largest = numbers.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const scale = Math.fround(largest / 127);
    this.#view.setFloat32(headAt + PAGE_TOKENS * this.layout.headDim + 4 * slot, scale, true);
    return scale;
  }

  #put(headAt: number, index: number, value: number, scale: number): number {
    const { dtype } = this.layout;
    if (dtype === 'f32') {
      this.#view.setFloat32(headAt + 4 * index, value, true);
      return value;
    }
    if (dtype === 'f16') {
      const code = f32ToF16(value);
      this.#view.setUint16(headAt + 2 * index, code, true);
      return f16ToF32(code);
    }
    const code = Math.round(value / scale);
    this.#view.setInt8(headAt + index, code);
    return code * scale;
  }
}
