import { check } from '../../check.ts';
import type { WeightDType, WeightWriter } from '../../ops.ts';
import { GROUP, f32ToF16, quantizeQ4, quantizeQ8 } from '../../quantize.ts';
import type { Memory } from '../device/memory.ts';
import { type GpuWeight, Storage, type WeightPart } from '../device/tensor.ts';

/** FORMAT in weight.wgsl. */
export const FORMAT: Record<WeightDType, number> = { f32: 0, f16: 1, q8: 2, q4: 3 };

/** `in` rounded up to whole blocks, in quads. */
export function paddedQuads(width: number, dtype: WeightDType): number {
  const blockQuads = 1 << FORMAT[dtype];
  return Math.ceil(width / (4 * blockQuads)) * blockQuads;
}

/** Words of scales per row. */
export function scaleWords(width: number, dtype: WeightDType): number {
  return isQuantized(dtype) ? Math.ceil(width / GROUP / 2) : 0;
}

/** Takes rows, packs them as weight.wgsl says, uploads each piece as it comes. Throws OutOfMemory. */
export function weightWriter(memory: Memory, shape: readonly [number, number], dtype: WeightDType): WeightWriter {
  const [rows, width] = shape;
  check(rows > 0 && width > 0, () => `createWeight: shape (${shape})`);
  check(
    !isQuantized(dtype) || width % GROUP === 0,
    () => `createWeight: ${dtype} rows of ${width} are not groups of ${GROUP}`,
  );
  const packer = new RowPacker(width, dtype);
  const total = rows * (packer.blockBytes + packer.scaleBytes);
  memory.checkFits(total);
  const rowsPerPart = Math.max(1, Math.min(rows, Math.floor(memory.limits.bufferBytes / packer.blockBytes)));
  const { value: parts, settled } = memory.guard(
    () => total,
    () => allocateParts(memory, rows, rowsPerPart, packer),
  );
  settled.catch(() => {}); // finish() tells.

  let row = 0;
  return {
    write(data) {
      const count = data.length / width;
      check(
        Number.isInteger(count) && row + count <= rows,
        () => `createWeight: ${data.length} values for (${shape}) at row ${row}`,
      );
      for (let done = 0; done < count;) {
        const part = parts[Math.floor(row / rowsPerPart)]!;
        const at = row - part.firstRow;
        const piece = Math.min(count - done, part.rows - at, packer.rowsPerPiece);
        packer.upload(memory, part, at, data.subarray(done * width, (done + piece) * width));
        done += piece;
        row += piece;
      }
    },
    async finish() {
      check(row === rows, () => `createWeight: got ${row} rows of (${shape})`);
      const weight: GpuWeight = { shape, dtype, parts };
      try {
        await settled;
      } catch (error) {
        freeWeight(memory, weight);
        throw error;
      }
      return weight;
    },
  };
}

export function freeWeight(memory: Memory, { parts }: GpuWeight): void {
  for (const { blocks, scales } of parts) {
    memory.destroy(blocks.buffer!);
    memory.destroy(scales.buffer!);
  }
}

function isQuantized(dtype: WeightDType): boolean {
  return dtype === 'q8' || dtype === 'q4';
}

function allocateParts(memory: Memory, rows: number, rowsPerPart: number, packer: RowPacker): WeightPart[] {
  return Array.from({ length: Math.ceil(rows / rowsPerPart) }, (_, index) => {
    const firstRow = index * rowsPerPart;
    const partRows = Math.min(rowsPerPart, rows - firstRow);
    const make = (bytes: number): Storage => new Storage(bytes, memory.allocate(bytes));
    const blocks = make(partRows * packer.blockBytes);
    const scales = packer.scaleBytes > 0 ? make(partRows * packer.scaleBytes) : blocks;
    return { firstRow, rows: partRows, blocks, scales };
  });
}

/** f32 rows -> blocks and scales, in host memory that is used again for every piece. */
class RowPacker {
  readonly blockBytes: number;
  readonly scaleBytes: number;
  readonly rowsPerPiece: number;
  readonly #blocks: ArrayBuffer;
  readonly #scales: Uint16Array<ArrayBuffer>;
  readonly #quantized: Int8Array;

  readonly #width: number;
  readonly #dtype: WeightDType;

  constructor(width: number, dtype: WeightDType) {
    this.#width = width;
    this.#dtype = dtype;

    this.blockBytes = (paddedQuads(width, dtype) * 16) >> FORMAT[dtype];
    this.scaleBytes = scaleWords(width, dtype) * 4;
    this.rowsPerPiece = Math.max(1, Math.floor(PIECE_BYTES / this.blockBytes));
    this.#blocks = new ArrayBuffer(this.rowsPerPiece * this.blockBytes);
    this.#scales = new Uint16Array((this.rowsPerPiece * this.scaleBytes) / 2);
    this.#quantized = new Int8Array(isQuantized(dtype) ? width : 0);
  }

  /** At most rowsPerPiece rows, to row `at` of `part`. */
  upload({ device }: Memory, part: WeightPart, at: number, rows: Float32Array): void {
    const count = rows.length / this.#width;
    for (let r = 0; r < count; r++) this.#packRow(rows.subarray(r * this.#width, (r + 1) * this.#width), r);
    const write = (to: Storage, bytesPerRow: number, from: ArrayBuffer): void =>
      device.queue.writeBuffer(to.buffer!.gpu, at * bytesPerRow, from, 0, count * bytesPerRow);
    write(part.blocks, this.blockBytes, this.#blocks);
    if (this.scaleBytes > 0) write(part.scales, this.scaleBytes, this.#scales.buffer);
  }

  #packRow(x: Float32Array, row: number): void {
    const at = row * this.blockBytes;
    if (this.#dtype === 'f32') {
      new Float32Array(this.#blocks, at).set(x);
    } else if (this.#dtype === 'f16') {
      const halves = new Uint16Array(this.#blocks, at);
      for (let i = 0; i < x.length; i++) halves[i] = f32ToF16(x[i]!);
    } else {
      const scales = this.#scales.subarray((row * this.scaleBytes) / 2);
      if (this.#dtype === 'q8') {
        quantizeQ8(x, new Int8Array(this.#blocks, at, this.#width), scales);
      } else {
        quantizeQ4(x, this.#quantized, scales);
        packNibbles(this.#quantized, new Uint8Array(this.#blocks, at));
      }
    }
  }
}

/** Host memory for one upload; small, because several writers may be open, and far below Dawn's limits. */
const PIECE_BYTES = 4 * 2 ** 20;

/** Eight values to a word: value i in the low, value i + 4 in the high nibble of byte i. */
function packNibbles(q: Int8Array, bytes: Uint8Array): void {
  for (let from = 0, to = 0; from < q.length; from += 8, to += 4) {
    for (let i = 0; i < 4; i++) bytes[to + i] = (q[from + i]! + 8) | ((q[from + 4 + i]! + 8) << 4);
  }
}
