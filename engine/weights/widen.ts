import { f16ToF32 } from '../../kernels/quantize.ts';

/** Number formats of released checkpoints, as safetensors names them. */
export type StoredDType = 'F32' | 'F16' | 'BF16';

export function bytesPerValue(dtype: StoredDType): number {
  return dtype === 'F32' ? 4 : 2;
}

/**
 * Little-endian bytes -> f32 values, and whether all of them are finite. `bytes` must start at a multiple of four in
 * its ArrayBuffer.
 */
export function widen(bytes: Uint8Array, dtype: StoredDType): { values: Float32Array; finite: boolean } {
  if (dtype === 'F32') {
    const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    return { values, finite: allFinite(new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)) };
  }
  const halves = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
  const bits = new Uint32Array(halves.length);
  if (dtype === 'BF16') {
    for (let i = 0; i < halves.length; i++) bits[i] = halves[i]! << 16;
  } else {
    const table = f16Table();
    for (let i = 0; i < halves.length; i++) bits[i] = table[halves[i]!]!;
  }
  return { values: new Float32Array(bits.buffer), finite: allFinite(bits) };
}

/** An f32 is NaN or infinite iff its exponent is all ones: an integer test, several times faster than isFinite. */
function allFinite(bits: Uint32Array): boolean {
  let bad = 0;
  for (let i = 0; i < bits.length; i++) bad |= (bits[i]! & 0x7f800000) === 0x7f800000 ? 1 : 0;
  return bad === 0;
}

let f16Bits: Uint32Array | undefined;

/** f32 bits of all 65,536 f16 values, made at first use. */
function f16Table(): Uint32Array {
  if (!f16Bits) {
    const values = Float32Array.from({ length: 65536 }, (_, bits) => f16ToF32(bits));
    f16Bits = new Uint32Array(values.buffer);
  }
  return f16Bits;
}
