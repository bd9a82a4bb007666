import { scratch } from '../thread';
import { maxLane, narrow } from '../simd';
import { firstPosition, pageOf, partBytes } from './kvPage';
import { DTypeCode, PAGE_SIZE } from '../opcodes';

/**
 * Rotates q and k of new tokens and stores k and v in their pages (kvPage.ts). With h = headDim / 2 and position p:
 * y_i = x_i cos_i - x_{i+h} sin_i, y_{i+h} = x_{i+h} cos_i + x_i sin_i.
 * qkv: (tokens, (heads + 2 kvHeads) headDim), rope: (tokens, headDim) cosines then sines, q out: (tokens, heads headDim).
 *
 * An item is a head (of q, k or v) of a token. Words: 3 qkv, 4 rope, 5 q out, 6 pages (kvPage.ts), 7 heads, 8 kv heads,
 * 9 headDim, 10 kv dtype, 11 layer, 12 heads by group (1) or by kind (0).
 */
export function appendKv(d: usize, from: i32, to: i32): void {
  const heads = load<i32>(d, 28);
  const kvHeads = load<i32>(d, 32);
  const headDim = load<i32>(d, 36);
  const byGroup = load<i32>(d, 48) !== 0;
  const slots = heads + 2 * kvHeads;
  // A group holds its q heads, then its k heads, then its v heads. By kind, all heads form one group.
  const queries = byGroup ? heads / kvHeads : heads;
  const keys = byGroup ? 1 : kvHeads;
  const headBytes = (<usize>headDim) << 2;
  for (let item = from; item < to; item++) {
    const token = item / slots;
    const slot = item - token * slots;
    const group = slot / (queries + 2 * keys);
    const index = slot - group * (queries + 2 * keys);
    const x: usize = load<u32>(d, 12) + <usize>item * headBytes;
    const rope: usize = load<u32>(d, 16) + <usize>token * headBytes;
    if (index < queries) {
      rotate(x, rope, load<u32>(d, 20) + <usize>(token * heads + group * queries + index) * headBytes, headDim);
    } else if (index < queries + keys) {
      rotate(x, rope, scratch, headDim);
      keep(d, scratch, token, group * keys + index - queries, 0, headDim);
    } else {
      keep(d, x, token, group * keys + index - queries - keys, 1, headDim);
    }
  }
}

function rotate(x: usize, rope: usize, y: usize, headDim: i32): void {
  const half = (<usize>headDim) << 1; // bytes of headDim / 2 values
  for (let i: usize = 0; i < half; i += 16) {
    const first = v128.load(x + i);
    const second = v128.load(x + half + i);
    const cos = v128.load(rope + i);
    const sin = v128.load(rope + half + i);
    v128.store(y + i, f32x4.sub(f32x4.mul(first, cos), f32x4.mul(second, sin)));
    v128.store(y + half + i, f32x4.add(f32x4.mul(second, cos), f32x4.mul(first, sin)));
  }
}

/** Stores one head of k (`part` 0) or v (`part` 1) in its page. */
function keep(d: usize, x: usize, token: i32, kvHead: i32, part: i32, headDim: i32): void {
  const pages: usize = load<u32>(d, 24);
  const position = firstPosition(pages) + token;
  const dtype = load<i32>(d, 40);
  const slot = <usize>(position % PAGE_SIZE);
  const page = pageOf(pages, position);
  const index = (load<i32>(d, 44) * load<i32>(d, 32) + kvHead) * 2 + part;
  const at = page + <usize>index * partBytes(dtype, headDim);
  if (dtype === DTypeCode.f32) memory.copy(at + ((slot * <usize>headDim) << 2), x, (<usize>headDim) << 2);
  else if (dtype === DTypeCode.f16) narrow(x, at + ((slot * <usize>headDim) << 1), headDim);
  else {
    const scale = largest(x, headDim) / 127.0;
    store<f32>(at + PAGE_SIZE * <usize>headDim + (slot << 2), scale);
    if (part === 0) quantise(x, at + slot * <usize>headDim, headDim, scale);
    else {
      quantise(x, scratch, headDim, scale);
      const to = at + (slot >> 1) * 2 * <usize>headDim + (slot & 1);
      for (let i = 0; i < headDim; i++) store<u8>(to + <usize>i * 2, load<u8>(scratch + i));
    }
  }
}

function largest(x: usize, count: i32): f32 {
  let most = f32x4.splat(0);
  for (let i = 0; i < count; i += 4) most = f32x4.max(most, f32x4.abs(v128.load(x + ((<usize>i) << 2))));
  return maxLane(most);
}

/** to = int8(nearest(x / scale)) for `count` values (a multiple of 8). 0 / 0 is NaN, which converts to 0. */
function quantise(x: usize, to: usize, count: i32, scale: f32): void {
  const divisor = f32x4.splat(scale);
  for (let i = 0; i < count; i += 8) {
    const at = x + ((<usize>i) << 2);
    const a = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.div(v128.load(at), divisor)));
    const b = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.div(v128.load(at, 16), divisor)));
    const words = i16x8.narrow_i32x4_s(a, b);
    v128.store64_lane(to + i, i8x16.narrow_i16x8_s(words, words), 0);
  }
}
