import { doubtful, extreme, four, inBytes, quotient, toHalf, whole } from './packRow';
import { bitsOfLargest, narrowRow, widenRow } from './packRows';
import { setScratch } from '../thread';
import { half } from '../simd';
import { DTypeCode, GROUP_VALUES, StoredCode } from '../opcodes';

/** Values that are widened at a time: they stay in the processor's cache. */
const PIECE = 4096;

/**
 * Encodes floating-point numbers, whole groups of 32, as F16, or as blocks of Q8_0 or Q4_0 (kernels/stored) exactly as
 * kernels/quantize.ts quantises them. stored: F32, F16 or BF16; dtype: f16, q8 or q4; room: PIECE f32. Returns the bits
 * of the largest magnitude: infinity or more if a value is not finite.
 */
export function encodeRows(from: usize, stored: i32, values: i32, dtype: i32, to: usize, room: usize): u32 {
  setScratch(room);
  let largest: u32 = 0;
  for (let done = 0; done < values; done += PIECE) {
    const count = min(PIECE, values - done);
    largest = max(largest, widenRow(from, count, stored));
    from += (<usize>count) << (stored === StoredCode.F32 ? 2 : 1);
    if (dtype === DTypeCode.f16) {
      narrowRow(to, count);
      to += (<usize>count) << 1;
      continue;
    }
    const end = room + ((<usize>count) << 2);
    for (let group = room; group < end; group += GROUP_VALUES * 4) {
      to = dtype === DTypeCode.q4 ? encodeQ4(group, to) : encodeQ8(group, to);
    }
  }
  return bitsOfLargest(largest, stored);
}

/** Encodes a group in f32; again in f64 where packRow.ts does. Returns where the next block begins. */
function encodeQ4(values: usize, to: usize): usize {
  const scale = putScale(extreme(values) * -0.125, to);
  to += 2;
  const factor = f32x4.splat(scale === 0 ? 0 : <f32>1.0 / scale);
  let doubt = i32x4.splat(0);
  for (let at: usize = 0; at < 64; at += 16) {
    const low = quotient(values + at, factor);
    const high = quotient(values + at + 64, factor);
    const lowFloor = f32x4.floor(low);
    const highFloor = f32x4.floor(high);
    doubt = v128.or(doubt, v128.or(doubtful(low, lowFloor), doubtful(high, highFloor)));
    store<i32>(to + (at >> 2), inBytes(v128.or(whole(lowFloor, -8, 7), i32x4.shl(whole(highFloor, -8, 7), 4))));
  }
  if (v128.any_true(doubt)) {
    const exact = f64x2.splat(1.0 / <f64>scale);
    for (let at: usize = 0; at < 64; at += 16) {
      const low = four(values + at, exact, -8, 7);
      const high = four(values + at + 64, exact, -8, 7);
      store<i32>(to + (at >> 2), inBytes(v128.or(low, i32x4.shl(high, 4))));
    }
  }
  return to + GROUP_VALUES / 2;
}

/** Encodes a group of Q8_0 as encodeQ4 does. */
function encodeQ8(values: usize, to: usize): usize {
  const scale = putScale(<f32>(<f64>abs(extreme(values)) / 127.0), to);
  to += 2;
  const factor = f32x4.splat(scale === 0 ? 0 : <f32>1.0 / scale);
  let doubt = i32x4.splat(0);
  for (let at: usize = 0; at < 128; at += 16) {
    const value = quotient(values + at, factor);
    const floor = f32x4.floor(value);
    doubt = v128.or(doubt, doubtful(value, floor));
    store<i32>(to + (at >> 2), signed(inBytes(whole(floor, -127, 127))));
  }
  if (v128.any_true(doubt)) {
    const exact = f64x2.splat(1.0 / <f64>scale);
    for (let at: usize = 0; at < 128; at += 16) {
      store<i32>(to + (at >> 2), signed(inBytes(four(values + at, exact, -127, 127))));
    }
  }
  return to + GROUP_VALUES;
}

/** Writes a scale as f16 and returns it as it reads there. */
// @inline
function putScale(scale: f32, at: usize): f32 {
  store<u16>(at, toHalf(scale));
  return half(at);
}

/** Four bytes that are raised by 128, as int8. */
// @inline
function signed(bytes: i32): i32 {
  return bytes ^ (<i32>0x80808080);
}
