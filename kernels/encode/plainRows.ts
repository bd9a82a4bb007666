import { check } from '../check.ts';
import { GROUP, emptyRows, quantize } from '../quantize.ts';
import { decodeRows, largestMagnitude } from '../stored/decodeRows.ts';
import { STORED, type StoredType, storedBytes } from '../stored/storedTypes.ts';
import { DTypeCode, HEAP_START, StoredCode } from '../wasm/opcodes.ts';
import { type KernelExports, instantiate } from '../wasm/host/kernels.ts';

/** What the kernels encode, by what it is called there. */
const BY_KERNEL = { F16: DTypeCode.f16, Q8_0: DTypeCode.q8, Q4_0: DTypeCode.q4 };
/** What they read; all else is decoded to F32 before. */
const READ_BY_KERNEL: Partial<Record<StoredType, StoredCode>> = {
  F32: StoredCode.F32,
  F16: StoredCode.F16,
  BF16: StoredCode.BF16,
};

/** The types that rows can be rounded to by the plain rules of the formats that hold them (quantize.ts). */
export type PlainType = keyof typeof BY_KERNEL | 'Q4_1';

export interface EncodedRows {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The largest magnitude; not finite where a value is not, and then the bytes mean nothing. */
  readonly largest: number;
}

const PAGE = 65536;
/** The values that the kernel has in work, before the rows. */
const ROOM_BYTES = 4 * 4096;

/** Rounds rows by plain rules, in SIMD: importing waits for it. */
export class PlainRows {
  readonly #memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
  readonly #kernels: KernelExports;

  /** `module`: any variant of the WASM kernels. */
  constructor(module: WebAssembly.Module) {
    this.#kernels = instantiate(module, this.#memory);
  }

  /**
   * Encodes whole rows as a checkpoint stores them in the type. `largest` is their largest magnitude, which is not
   * finite where a value is not; then the bytes mean nothing.
   */
  encode(rows: Uint8Array, from: StoredType, type: PlainType): EncodedRows {
    const code = READ_BY_KERNEL[from];
    if (type === 'Q4_1') return encodeQ4_1(decodeRows(rows, from).values);
    if (code === undefined) return this.#encode(bytesOf(decodeRows(rows, from).values), StoredCode.F32, type);
    return this.#encode(rows, code, type);
  }

  #encode(rows: Uint8Array, from: StoredCode, type: keyof typeof BY_KERNEL): EncodedRows {
    const values = rows.length / (from === StoredCode.F32 ? 4 : 2);
    check(values % STORED[type].blockValues === 0, () => `PlainRows: ${values} values as ${type}`);
    const bytes = storedBytes(values, type);
    const source = HEAP_START + ROOM_BYTES;
    const target = source + rows.length;
    const missing = Math.ceil((target + bytes - this.#memory.buffer.byteLength) / PAGE);
    if (missing > 0) this.#memory.grow(missing);
    const memory = new Uint8Array(this.#memory.buffer);
    memory.set(rows, source);
    const largest = this.#kernels.encodeRows(source, from, values, BY_KERNEL[type], target, HEAP_START);
    return { bytes: memory.slice(target, target + bytes), largest: floatOf(largest) };
  }
}

function encodeQ4_1(values: Float32Array): EncodedRows {
  const rows = emptyRows(values.length, 'q4m');
  quantize(values, 'q4m', rows);
  const { codes, scales, minima } = rows;
  const bytes = new Uint8Array(storedBytes(values.length, 'Q4_1'));
  for (let group = 0, to = 0; group < scales.length; group++) {
    for (const half of [scales[group]!, minima[group]!]) {
      bytes[to++] = half & 255;
      bytes[to++] = half >> 8;
    }
    for (let i = group * GROUP; i < group * GROUP + GROUP / 2; i++)
      bytes[to++] = codes[i]! | (codes[i + GROUP / 2]! << 4);
  }
  return { bytes, largest: largestMagnitude(values) };
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function floatOf(bits: number): number {
  return new Float32Array(Uint32Array.of(bits).buffer)[0]!;
}
