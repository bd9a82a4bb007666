import { DTypeCode, PAGE_SIZE } from '../opcodes';

/**
 * A page of the KV cache holds, for each layer and kv head, a part of 64 keys, then one of 64 values. f32, f16: (64,
 * headDim) values. q8: int8, then 64 f32 scales; keys are (64, headDim), values (32, headDim, 2) with two tokens
 * interleaved, so that one instruction multiplies them by two softmax weights.
 */
export function partBytes(dtype: i32, headDim: i32): usize {
  const values = PAGE_SIZE * <usize>headDim;
  if (dtype === DTypeCode.f32) return values << 2;
  return dtype === DTypeCode.f16 ? values << 1 : values + PAGE_SIZE * 4;
}

/** The list by which a step finds a sequence: the position of the step's first token, then the addresses of the pages. */
// @inline
export function firstPosition(pages: usize): i32 {
  return load<i32>(pages);
}

/** The page that holds `position`. */
// @inline
export function pageOf(pages: usize, position: i32): usize {
  return load<u32>(pages + ((<usize>(position / PAGE_SIZE)) << 2), 4);
}
