import { IQ4_LEVELS } from '../../stored/iq4NL.ts';

/**
 * These files write the inner loops of the quantised matrix products as straight-line AssemblyScript: V8 keeps the order
 * of wasm instructions, so the order here decides which values stay in registers. `relaxed` and plain SIMD twins come
 * from the same functions.
 */

/**
 * How products are summed. plain: two i16 per lane. dot: four bytes per lane, with the relaxed dot product. pairs: where the
 * sum of a group's products fits i16, with relaxed products of pairs of bytes, summed as i16 and widened once per group:
 * two instructions for sixteen products where a processor without a dot product of bytes needs three for the former.
 */
export type Simd = 'plain' | 'dot' | 'pairs';

/** Whether a format's products are summed as i16 first. */
export function sumsPairs(format: Format, simd: Simd): boolean {
  return simd === 'pairs' && pairSteps(format) > 0;
}

/** Steps of two products that an i16 can sum: of 4-bit codes, and the nibbles of split ones, 16 products of 127 * 15. */
export function pairSteps({ bits }: Format): number {
  return { 4: 8, 5: 4, 6: 2, 8: 8 }[bits];
}

/** Steps of a group, four columns each. */
export const groupSteps = ({ groups }: Format): number => 8 / groups;

/** The sums as i32 beside those as i16, for which a group has too many steps. */
export function wideSums(format: Format, simd: Simd, sums: readonly string[]): string[] {
  return sumsPairs(format, simd) && pairSteps(format) < groupSteps(format) ? sums.map((sum) => `${sum}w`) : [];
}

/** A quantised weight format as it lies in a panel's block of 32 columns (layouts: wasm/assembly/matmul/matvecQ.ts). */
export interface Format {
  name: string;
  bits: 4 | 5 | 6 | 8;
  /** Groups of a block: each has 8 scales and, where there are minima, 8 minima. */
  groups: 1 | 2;
  minima: boolean;
  /** The codes of 4 bits are numbers of levels, which have 8. */
  levels?: boolean;
  /**
   * Scales and minima do not lie in the block, but as f32 in the thread's scratch (assembly/matmul/superBlocks.ts). The
   * block begins as if they did.
   */
  superBlocks?: boolean;
  blockBytes: number;
}

export const FORMATS: readonly Format[] = [
  { name: 'q4', bits: 4, groups: 1, minima: false, blockBytes: 144 },
  { name: 'q4nl', bits: 4, groups: 1, minima: false, levels: true, blockBytes: 144 },
  { name: 'q8', bits: 8, groups: 1, minima: false, blockBytes: 272 },
  { name: 'q4m', bits: 4, groups: 1, minima: true, blockBytes: 160 },
  { name: 'q4k', bits: 4, groups: 1, minima: true, superBlocks: true, blockBytes: 128 },
  { name: 'q5m', bits: 5, groups: 1, minima: true, blockBytes: 192 },
  { name: 'q5k', bits: 5, groups: 1, minima: true, superBlocks: true, blockBytes: 160 },
  { name: 'q6m', bits: 6, groups: 2, minima: true, blockBytes: 256 },
];

/**
 * Whether weights are 8 bits, of which products take the nibbles: they have 7 bits for their unsigned operand. A code plus
 * 128 is 16 h + l, and 128 is 16 * 8.
 */
export function isSplit({ bits, levels }: Format, simd: Simd): boolean {
  return simd !== 'plain' && (bits === 8 || levels === true);
}

/** Bytes of 32 quantised activations and where the int8 or i16 begin; of a tile of 8 tokens likewise (quantise.ts). */
export const X_HEADER = 8;
export const X_BYTES = (simd: Simd): number => X_HEADER + (simd === 'plain' ? 64 : 32);
export const TILE_HEADER = 64;

/** One operand of the dot product, 4 (relaxed) or 2 columns of four rows, of the weights in `w` and the upper bits in `high`. */
export interface Step {
  /** Vectors of weights, by number. */
  pair: number;
  /** The 32 bits of x that it is multiplied by, by number. */
  x: number;
  operand: (w: string, high: string) => string;
  /** What both operands of a split step are made of, where it is not `w` itself. */
  shared?: (w: string) => string;
}

/** The steps of a group's sums, two for each operand that is split, and the constants that their operands use. */
export interface Unpacking {
  maskValues: string[];
  groups: Step[][];
}

// Parts of a block: scales and minima of each group, upper bits of codes, lower bits or whole codes.
export const scalesAt = ({ minima }: Format, group: number): number => group * (minima ? 32 : 16);
export const minimaAt = (format: Format, group: number): number => scalesAt(format, group) + 16;
export const headerBytes = ({ groups, minima }: Format): number => groups * (minima ? 32 : 16);
export const highBytes = ({ bits }: Format): number => (bits === 5 ? 32 : bits === 6 ? 64 : 0);

/** The vector of codes, or of lower bits, of a panel's rows 0-3 or 4-7. */
export function loadWeights(format: Format, panel: string, half: number, pair: number): string {
  return `v128.load(${panel}, ${headerBytes(format) + highBytes(format) + 32 * pair + 16 * half})`;
}

/** The vector of upper bits. */
export function loadHigh(format: Format, panel: string, half: number, group: number): string {
  return `v128.load(${panel}, ${headerBytes(format) + 32 * group + 16 * half})`;
}

export const loadX = (x: string, index: number): string => `v128.load32_splat(${x}, ${X_HEADER + 4 * index})`;

/**
 * Turns bytes into operands of the dot product. Plain: each leaves i16 lanes; for 4 bits x was shifted to suit
 * (assembly/quantise.ts).
 */
export function unpacking(format: Format, simd: Simd): Unpacking {
  const relaxed = simd !== 'plain';
  const { bits, levels } = format;
  const and = (value: string, mask: string): string => `v128.and(${value}, ${mask})`;
  const right = (value: string, count: number): string => (count ? `i16x8.shr_u(${value}, ${count})` : value);
  const groups = Array.from({ length: format.groups }, (): Step[] => []);
  if (bits === 8) {
    const parts = relaxed
      ? [(w: string) => and(w, 'm0'), (w: string) => and(right(w, 4), 'm0')]
      : [(w: string) => and(w, 'm0'), (w: string) => right(w, 8)];
    for (let pair = 0; pair < 8; pair++) {
      parts.forEach((operand, k) => groups[0]!.push({ pair, x: relaxed ? pair : 2 * pair + k, operand }));
    }
    return { maskValues: [relaxed ? '0x0f0f0f0f' : '0x00ff00ff'], groups };
  }
  if (bits === 4 && !levels && !relaxed) {
    const parts = [0, 1, 2].map((m) => (w: string) => and(w, `m${m}`));
    for (let pair = 0; pair < 4; pair++) {
      [...parts, (w: string) => right(w, 12)].forEach((operand, k) =>
        groups[0]!.push({ pair, x: 4 * pair + k, operand }),
      );
    }
    return { maskValues: ['0x000f000f', '0x00f000f0', '0x0f000f00'], groups };
  }
  for (let k = 0; k < 8; k++) {
    // Four columns; plain SIMD takes the even and then the odd ones.
    for (const odd of relaxed ? [0] : [0, 1]) {
      const low = (w: string): string => and(right(w, 4 * (k & 1) + 8 * odd), 'm0');
      // Upper bits lie (bits - 4) per four columns, beginning with each group; they belong at bit 4.
      const at = (bits === 5 ? k : 2 * (k & 3)) + 8 * odd - 4;
      const high = (h: string): string => and(at < 0 ? `i16x8.shl(${h}, ${-at})` : right(h, at), 'm1');
      const operand = (w: string, h: string): string => (bits === 4 ? low(w) : `v128.or(${low(w)}, ${high(h)})`);
      const group = Math.floor((k * format.groups) / 8);
      const step = { pair: k >> 1, x: relaxed ? k : 2 * k + odd, operand };
      if (!levels) groups[group]!.push(step);
      else if (!relaxed) groups[group]!.push({ ...step, operand: (w) => `i8x16.swizzle(m1, ${low(w)})` });
      else {
        const nibbles = ['m1', 'm2'].map((table) => (w: string) => `i8x16.relaxed_swizzle(${table}, ${w})`);
        groups[group]!.push(...nibbles.map((each) => ({ ...step, operand: each, shared: low })));
      }
    }
  }
  const upper = bits === 5 ? '1' : '3';
  const maskValues = relaxed
    ? ['0x0f0f0f0f', `0x${upper}0${upper}0${upper}0${upper}0`]
    : ['0x000f000f', `0x00${upper}000${upper}0`];
  if (levels) return { maskValues: [maskValues[0]!, ...levelTables(simd)], groups };
  return { maskValues: bits === 4 ? maskValues.slice(0, 1) : maskValues, groups };
}

/**
 * By the number of a level, relaxed, its low and its high nibble. Plain, its i16 less the lowest level, so that the zeros
 * beside numbers in bytes remain zeros.
 */
function levelTables(simd: Simd): string[] {
  const table = (valueOf: (level: number) => number): string => {
    const words = new Uint32Array(Uint8Array.from(IQ4_LEVELS, valueOf).buffer);
    return Array.from(words, (word) => `0x${word.toString(16).padStart(8, '0')}`).join(', ');
  };
  if (simd === 'plain') return [table((level) => level - IQ4_LEVELS[0]!)];
  return [table((level) => (level + 128) & 15), table((level) => (level + 128) >> 4)];
}

/** AssemblyScript that holds the levels. */
export const generateLevels = (): string => `export const LEVELS = memory.data<i8>([${IQ4_LEVELS.join(', ')}], 16);\n`;

/**
 * Activations bring the sums of their first and last 16 values as two i16, which a dot product with a constant makes into
 * what products start from: the offset of unsigned codes times the sum of x. (Plain SIMD shifts x for 4 bits.)
 */
export function startFactor({ bits, levels }: Format, simd: Simd): number {
  if (simd !== 'plain') return -8;
  if (levels) return IQ4_LEVELS[0]!;
  return bits === 4 ? -8 * 256 : -128;
}

/** The sum of a group's x as f32; sums: the two i16 of each lane, scale: that of x. */
export function sumOfX(format: Format, group: number, { sums, scale }: { sums: string; scale: string }): string {
  const of16 = group ? `i32x4.shr_s(${sums}, 16)` : `i32x4.shr_s(i32x4.shl(${sums}, 16), 16)`;
  const whole = format.groups === 2 ? of16 : `i32x4.dot_i16x8_s(${sums}, v128.load(sumFactor${format.bits}))`;
  return `f32x4.mul(f32x4.convert_i32x4_s(${whole}), ${scale})`;
}

/** Constants of sumOfX. */
export const sumFactors = (simd: Simd, masks: (name: string, value: string) => string): string =>
  masks('sumFactor4', simd === 'plain' ? '0x01000100' : '0x00010001') + masks('sumFactor5', '0x00010001');
