const floats = new Float32Array(1);
const words = new Uint32Array(floats.buffer);

/** Bits of the nearest f16 (ties to even); beyond the range infinity, below it denormals. */
export function f32ToF16(value: number): number {
  floats[0] = value;
  const bits = words[0]!;
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00; // NaN
  if (magnitude >= 0x47800000) return sign | 0x7c00; // 65536 and above
  if (magnitude < 0x38800000) {
    // Below 2^-14: a denormal, in units of 2^-24. Adding 0.5 in f32 lets the hardware round to even.
    words[0] = magnitude;
    floats[0] = floats[0]! + 0.5;
    return sign | (words[0] - 0x3f000000);
  }
  const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
  return sign | ((rounded - 0x38000000) >>> 13); // A carry out of the largest exponent gives infinity.
}

/** Value of f16 bits. */
export function f16ToF32(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const magnitude = bits & 0x7fff;
  if (magnitude >= 0x7c00) return magnitude > 0x7c00 ? NaN : sign * Infinity;
  // Exponent and fraction in those of an f32, whose exponents are lower by 112.
  words[0] = magnitude << 13;
  return sign * floats[0]! * 2 ** 112;
}
