import { blockBytes, hasMinima, panelBytes } from './format';
import { packKept, packWithMinima } from './packCodes';
import { largestKept } from './largestKept';
import { isMoved, movePanelQ4_0, moveRow } from './moveRow';
import { packLevels } from './packLevels';
import { packRow, toHalf, toHalf4 } from './packRow';
import { unpackRow } from './unpackStored';
import { scratch } from '../thread';
import { half, halfHigh, halfLow, HALF_MASK } from '../simd';
import { DTypeCode, GROUP_VALUES, PANEL_ROWS, StoredCode } from '../opcodes';

const INFINITY_BITS: u32 = 0x7f800000;
/** 65536 as f32: the widened bits of an infinite f16; those of a NaN are larger. */
const PAST_HALF_BITS: u32 = 0x47800000;

/**
 * Packs stored rows of weights: what is quantised and kept (kernels/keep.ts) goes into its panel as it is, in the commonest
 * types without being unpacked (moveRow.ts); all else is widened to f32, then quantised into its panel, or laid out as
 * rows of f32 or f16. An item is a row. Words: 3 stored rows, 4 packed weights, 5 number of the first row, 6 values per
 * row, 7 dtype, 8 stored format, 9 bytes per packed row (f32 and f16), 10 address for the bits of the largest magnitude:
 * infinity or more if a value, a scale or a minimum is not finite, 11 bytes per stored row, 12 values per group of stored
 * blocks, or 0 where they are floating-point numbers, 13 what kept codes are to be raised by, or -1 where they are not
 * kept, 14 the highest code where the blocks have minima, else 0. Thread scratch: a row as f32, its codes, and where blocks
 * are unpacked f32 scales and minima, one per group of 16.
 */
export function packRows(d: usize, from: i32, to: i32): void {
  const inputs = load<i32>(d, 24);
  const dtype = load<i32>(d, 28);
  const stored = load<i32>(d, 32);
  const rowBytes: usize = load<u32>(d, 36);
  const storedBytes: usize = load<u32>(d, 44);
  const group = load<i32>(d, 48);
  const bias = load<i32>(d, 52);
  const highest = load<i32>(d, 56);
  const blocks = inputs / GROUP_VALUES;
  const bytes = blockBytes(dtype);
  const codes = scratch + ((<usize>((inputs + 7) & ~7)) << 2);
  const scales = codes + <usize>inputs;
  const minima = scales + ((<usize>inputs) >> 2);
  const moved = isMoved(stored, dtype);
  // Codes without minima, and numbers of levels, lie on both sides of 0.
  const mostCode = highest ? highest : bias > 0 ? bias : 127;
  const leastCode = highest ? 0 : -mostCode;
  let largest: u32 = 0;
  for (let item = from; item < to; item++) {
    const row = load<i32>(d, 20) + item;
    const packed: usize = load<u32>(d, 16);
    const source = load<u32>(d, 12) + <usize>item * storedBytes;
    const panel = packed + <usize>(row / PANEL_ROWS) * panelBytes(blocks, dtype);
    if (moved) {
      const known = reinterpret<f32>(largest);
      if (stored === StoredCode.Q4_0 && row % PANEL_ROWS === 0 && item + PANEL_ROWS <= to) {
        largest = reinterpret<u32>(movePanelQ4_0(source, storedBytes, blocks, panel, known));
        item += PANEL_ROWS - 1;
        continue;
      }
      largest = reinterpret<u32>(moveRow(source, stored, blocks, panel, row % PANEL_ROWS, dtype, known));
      continue;
    }
    if (group) {
      if (!unpackRow(source, inputs, stored, codes, scales, minima)) largest = INFINITY_BITS;
      if (bias >= 0) {
        largest = largestKept(codes, scales, minima, inputs, group, highest !== 0, leastCode, mostCode, largest);
      } else largest = max(largest, dequantise(codes, scales, minima, inputs, group, highest !== 0));
    } else largest = max(largest, widenRow(source, inputs, stored));
    if (group && bias >= 0) {
      const lane = row % PANEL_ROWS;
      if (!packKept(codes, scales, minima, group, bias, highest, blocks, panel, bytes, lane, dtype)) {
        largest = INFINITY_BITS;
      }
    } else if (dtype === DTypeCode.f32) memory.copy(packed + <usize>row * rowBytes, scratch, (<usize>inputs) << 2);
    else if (dtype === DTypeCode.f16) narrowRow(packed + <usize>row * rowBytes, inputs);
    else if (dtype === DTypeCode.q4nl) packLevels(scratch, codes, blocks, panel, row % PANEL_ROWS);
    else if (hasMinima(dtype)) packWithMinima(scratch, codes, blocks, panel, bytes, row % PANEL_ROWS, dtype);
    else packRow(scratch, blocks, panel, row % PANEL_ROWS, dtype === DTypeCode.q4);
  }
  raise(load<u32>(d, 40), bitsOfLargest(largest, stored));
}

/** f32(scale * code) + minimum into the scratch. Returns the bits of the largest magnitude. */
function dequantise(codes: usize, scales: usize, minima: usize, inputs: i32, group: i32, ownMinima: bool): u32 {
  const magnitude = i32x4.splat(0x7fffffff);
  let most = i32x4.splat(0);
  for (let k = 0; k < inputs; k += 8) {
    const at = (<usize>(k / group)) << 2;
    const eight = v128.load8x8_s(codes + <usize>k);
    const scale = v128.load32_splat(scales + at);
    let low = f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(eight)), scale);
    let high = f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(eight)), scale);
    if (ownMinima) {
      const minimum = v128.load32_splat(minima + at);
      low = f32x4.add(low, minimum);
      high = f32x4.add(high, minimum);
    }
    const to = scratch + ((<usize>k) << 2);
    v128.store(to, low);
    v128.store(to, high, 16);
    most = i32x4.max_u(most, i32x4.max_u(v128.and(low, magnitude), v128.and(high, magnitude)));
  }
  return largestLane(most);
}

/** The largest of four lanes, unsigned. */
function largestLane(v: v128): u32 {
  return max(
    max<u32>(i32x4.extract_lane(v, 0), i32x4.extract_lane(v, 1)),
    max<u32>(i32x4.extract_lane(v, 2), i32x4.extract_lane(v, 3)),
  );
}

/** Widens the row to f32 into the scratch. Returns the bits of its largest magnitude, which compare like magnitudes. */
export function widenRow(from: usize, inputs: i32, stored: i32): u32 {
  const halfMask = v128.load(HALF_MASK);
  const magnitude = i32x4.splat(0x7fffffff);
  let most = i32x4.splat(0);
  let to = scratch;
  let k = 0;
  for (; k + 8 <= inputs; k += 8) {
    let low = v128.load(from);
    let high = low;
    if (stored === StoredCode.BF16) {
      low = i32x4.shl(i32x4.extend_low_i16x8_u(high), 16);
      high = i32x4.shl(i32x4.extend_high_i16x8_u(high), 16);
    } else if (stored === StoredCode.F16) {
      low = halfLow(high, halfMask);
      high = halfHigh(high, halfMask);
    } else high = v128.load(from, 16);
    v128.store(to, low);
    v128.store(to, high, 16);
    most = i32x4.max_u(most, i32x4.max_u(v128.and(low, magnitude), v128.and(high, magnitude)));
    from += stored === StoredCode.F32 ? 32 : 16;
    to += 32;
  }
  let largest = largestLane(most);
  for (; k < inputs; k++) {
    if (stored === StoredCode.F32) {
      store<u32>(to, load<u32>(from));
      from += 4;
    } else {
      if (stored === StoredCode.BF16) store<u32>(to, (<u32>load<u16>(from)) << 16);
      else store<f32>(to, half(from));
      from += 2;
    }
    largest = max<u32>(largest, load<u32>(to) & 0x7fffffff);
    to += 4;
  }
  return largest;
}

/** Converts the row in the scratch to f16, rounding as f32ToF16 of kernels/shared/f16.ts does. */
export function narrowRow(to: usize, inputs: i32): void {
  let k = 0;
  for (; k + 8 <= inputs; k += 8) {
    const from = scratch + ((<usize>k) << 2);
    v128.store(to + ((<usize>k) << 1), i16x8.narrow_i32x4_u(toHalf4(v128.load(from)), toHalf4(v128.load(from, 16))));
  }
  for (; k < inputs; k++) store<u16>(to + ((<usize>k) << 1), toHalf(load<f32>(scratch + ((<usize>k) << 2))));
}

/** `largest` of widened values: an infinite f16, which is a number as f32, counts as infinity. */
export function bitsOfLargest(largest: u32, stored: i32): u32 {
  return stored === StoredCode.F16 && largest >= PAST_HALF_BITS ? INFINITY_BITS : largest;
}

/** *at = max(*at, value), atomically. */
function raise(at: usize, value: u32): void {
  for (let seen = atomic.load<u32>(at); seen < value;) {
    const before = atomic.cmpxchg<u32>(at, seen, value);
    if (before === seen) return;
    seen = before;
  }
}
