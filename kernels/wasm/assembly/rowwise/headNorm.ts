import { inverseRms, scaleBy } from './rmsNorm';

/**
 * rmsNorm of each head of q and k with the weights of its kind; v is copied. qkv, y: (tokens, (heads + 2 kvHeads)
 * headDim), weights: (headDim), f32. An item is a head of a token. Words: 3 qkv, 4 weight of q, 5 weight of k, 6 y,
 * 7 heads, 8 kvHeads, 9 headDim, 10 eps (f32).
 */
export function headNorm(d: usize, from: i32, to: i32): void {
  const heads = load<i32>(d, 28);
  const kvHeads = load<i32>(d, 32);
  const headDim = load<i32>(d, 36);
  const headBytes = (<usize>headDim) << 2;
  const slots = heads + 2 * kvHeads;
  for (let item = from; item < to; item++) {
    const slot = item % slots;
    const x = load<u32>(d, 12) + <usize>item * headBytes;
    const y = load<u32>(d, 24) + <usize>item * headBytes;
    if (slot < heads + kvHeads) {
      const weight = slot < heads ? load<u32>(d, 16) : load<u32>(d, 20);
      scaleBy(x, weight, y, headDim, inverseRms(x, headDim, load<f32>(d, 40)));
    } else {
      memory.copy(y, x, headBytes);
    }
  }
}
