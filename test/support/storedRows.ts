import { mulberry32 } from '../../engine/inference/random.ts';
import { f16ToF32, f32ToF16 } from '../../kernels/shared/f16.ts';
import { decodeRows } from '../../kernels/stored/decodeRows.ts';
import { STORED, type StoredType, storedBytes } from '../../kernels/stored/storedTypes.ts';
import { randomValues } from './random.ts';

/** Where the f16 numbers of a block stand, in bytes. */
const HALVES: Partial<Record<StoredType, readonly number[]>> = {
  Q8_0: [0],
  Q4_0: [0],
  Q4_1: [0, 2],
  Q5_0: [0],
  Q5_1: [0, 2],
  Q2_K: [80, 82],
  Q3_K: [108],
  Q4_K: [0, 2],
  Q5_K: [0, 2],
  Q6_K: [208],
  IQ4_NL: [0],
  IQ4_XS: [0],
};

/** Bytes that decode to `values` finite values of a type: seeded random codes, some of whose blocks have large factors. */
export function storedRows(seed: number, values: number, type: StoredType): Uint8Array<ArrayBuffer> {
  const { quantized, blockBytes } = STORED[type];
  const bytes = new Uint8Array(storedBytes(values, type));
  if (!quantized) return storedFloats(randomValues(seed, values), type as 'F32' | 'F16' | 'BF16');
  const next = mulberry32(seed);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Math.floor(next() * 256);
  for (let block = 0; block < bytes.length; block += blockBytes) {
    const size = next() < 0.05 ? 0.5 : 0.02;
    for (const at of HALVES[type]!) {
      const half = f32ToF16((next() * 2 - 1) * size);
      bytes.set([half & 255, half >> 8], block + at);
    }
  }
  return bytes;
}

/** Bytes of random weights with this root mean square, without outliers, so that a model of them keeps its values in range. */
export function storedWeights(seed: number, values: number, type: StoredType, rms: number): Uint8Array<ArrayBuffer> {
  const bytes = storedRows(seed, values, type);
  if (!STORED[type].quantized) {
    const uniform = randomValues(seed, values, Infinity).map((value) => value * Math.sqrt(3) * rms);
    return storedFloats(uniform, type as 'F32' | 'F16' | 'BF16');
  }
  const next = mulberry32(seed);
  setHalves(bytes, type, () => (0.5 + 0.5 * next()) * (next() < 0.5 ? -0.01 : 0.01));
  const { values: unscaled } = decodeRows(bytes, type);
  const factor = rms / Math.sqrt(unscaled.reduce((sum, value) => sum + value * value, 0) / values);
  setHalves(bytes, type, (half) => half * factor);
  return bytes;
}

/** Changes the f16 numbers of all blocks. */
function setHalves(bytes: Uint8Array<ArrayBuffer>, type: StoredType, change: (half: number) => number): void {
  const view = new DataView(bytes.buffer);
  for (let block = 0; block < bytes.length; block += STORED[type].blockBytes) {
    for (const at of HALVES[type]!) {
      const half = f16ToF32(view.getUint16(block + at, true));
      view.setUint16(block + at, f32ToF16(change(half)), true);
    }
  }
}

/** Values as a checkpoint stores them in a floating-point type. */
export function storedFloats(x: Float32Array, type: 'F32' | 'F16' | 'BF16'): Uint8Array<ArrayBuffer> {
  if (type === 'F32') return new Uint8Array(x.slice().buffer);
  if (type === 'F16') return new Uint8Array(Uint16Array.from(x, f32ToF16).buffer);
  return new Uint8Array(Uint16Array.from(new Uint32Array(x.slice().buffer), (word) => word >>> 16).buffer);
}
