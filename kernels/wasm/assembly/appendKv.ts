import { scratch } from './thread';
import { narrow } from './simd';
import { DTypeCode, PAGE_SIZE } from './opcodes';

/**
 * Rotates q and k of new tokens and stores k and v in their pages. With h = headDim / 2 and position p:
 * y_i = x_i cos_i - x_{i+h} sin_i, y_{i+h} = x_{i+h} cos_i + x_i sin_i.
 * qkv: (tokens, (heads + 2 kvHeads) headDim), rope: (tokens, headDim) cosines then sines, q out: (tokens, heads headDim).
 * A page holds, for each layer and kv head, 64 keys of headDim values, then 64 values of headDim.
 *
 * An item is a head (of q, k or v) of a token. Words: 3 qkv, 4 rope, 5 q out, 6 page addresses, 7 heads, 8 kv heads,
 * 9 headDim, 10 position of the first token, 11 kv dtype, 12 layer.
 */
export function appendKv(d: usize, from: i32, to: i32): void {
  const heads = load<i32>(d, 28);
  const kvHeads = load<i32>(d, 32);
  const headDim = load<i32>(d, 36);
  const slots = heads + 2 * kvHeads;
  const headBytes = (<usize>headDim) << 2;
  for (let item = from; item < to; item++) {
    const token = item / slots;
    const slot = item - token * slots;
    const x: usize = load<u32>(d, 12) + <usize>item * headBytes;
    const rope: usize = load<u32>(d, 16) + <usize>token * headBytes;
    if (slot < heads) {
      rotate(x, rope, load<u32>(d, 20) + <usize>(token * heads + slot) * headBytes, headDim);
    } else if (slot < heads + kvHeads) {
      rotate(x, rope, scratch, headDim);
      keep(d, scratch, token, slot - heads, 0, headDim);
    } else {
      keep(d, x, token, slot - heads - kvHeads, 1, headDim);
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

/** `part`: 0 keys, 1 values. */
function keep(d: usize, x: usize, token: i32, kvHead: i32, part: i32, headDim: i32): void {
  const position = load<i32>(d, 40) + token;
  const isHalf = load<i32>(d, 44) == DTypeCode.f16;
  const index = ((load<i32>(d, 48) * load<i32>(d, 32) + kvHead) * 2 + part) * PAGE_SIZE + (position % PAGE_SIZE);
  const page: usize = load<u32>(load<u32>(d, 24) + ((<usize>(position / PAGE_SIZE)) << 2));
  const at = page + ((<usize>index * <usize>headDim) << (isHalf ? 1 : 2));
  if (isHalf) narrow(x, at, headDim);
  else memory.copy(at, x, (<usize>headDim) << 2);
}
