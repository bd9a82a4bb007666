import { factor, lowNibbles, unpackLevels } from './unpackStored';

/**
 * Blocks of 256 values; each function unpacks one and returns where the next begins. The files of kernels/stored say how
 * a block is laid out.
 */

export function unpackQ2K(from: usize, codes: usize, scales: usize, minima: usize): usize {
  const scale = factor(from + 80);
  const minimum = factor(from + 82);
  for (let g: usize = 0; g < 16; g++) {
    const both = <i32>load<u8>(from + g);
    store<f32>(scales + (g << 2), scale * <f32>(both & 15));
    store<f32>(minima + (g << 2), -(minimum * <f32>(both >> 4)));
  }
  const three = i8x16.splat(3);
  for (let at: usize = 0; at < 256; at += 16) v128.store(codes + at, v128.and(twoBits(from + 16, at), three));
  return from + 84;
}

export function unpackQ3K(from: usize, codes: usize, scales: usize): usize {
  const scale = factor(from + 108);
  for (let g: usize = 0; g < 16; g++) {
    const low = ((<i32>load<u8>(from + 96 + (g & 7))) >> (g < 8 ? 0 : 4)) & 15;
    const high = ((<i32>load<u8>(from + 104 + (g & 3))) >> (<i32>((g >> 2) << 1))) & 3;
    store<f32>(scales + (g << 2), scale * <f32>((low | (high << 4)) - 32));
  }
  const three = i8x16.splat(3);
  const four = i8x16.splat(4);
  for (let at: usize = 0; at < 256; at += 16) {
    const low = v128.and(twoBits(from + 32, at), three);
    v128.store(codes + at, i8x16.sub(v128.or(low, oneBit(from, at, 2)), four));
  }
  return from + 110;
}

export function unpackQ4K(from: usize, codes: usize, scales: usize, minima: usize): usize {
  unpackScalesK(from, scales, minima);
  for (let at: usize = 0; at < 256; at += 16) v128.store(codes + at, nibblesK(from + 16, at));
  return from + 144;
}

export function unpackQ5K(from: usize, codes: usize, scales: usize, minima: usize): usize {
  unpackScalesK(from, scales, minima);
  for (let at: usize = 0; at < 256; at += 16) {
    v128.store(codes + at, v128.or(nibblesK(from + 48, at), oneBit(from + 16, at, 4)));
  }
  return from + 176;
}

export function unpackQ6K(from: usize, codes: usize, scales: usize): usize {
  const scale = factor(from + 208);
  for (let g: usize = 0; g < 16; g++) store<f32>(scales + (g << 2), scale * <f32>load<i8>(from + 192 + g));
  const upper = i8x16.splat(48);
  const offset = i8x16.splat(32);
  for (let at: usize = 0; at < 256; at += 16) {
    const v = v128.load(from + ((at >> 7) << 6) + (at & 63));
    const low = at & 64 ? i8x16.shr_u(v, 4) : lowNibbles(v);
    const high = v128.and(i8x16.shl(twoBits(from + 128, at), 4), upper);
    v128.store(codes + at, i8x16.sub(v128.or(low, high), offset));
  }
  return from + 210;
}

export function unpackIQ4XS(from: usize, codes: usize, scales: usize): usize {
  const scale = factor(from);
  for (let g: usize = 0; g < 8; g++) {
    const low = ((<i32>load<u8>(from + 4 + (g >> 1))) >> (<i32>((g & 1) << 2))) & 15;
    const high = ((<i32>load<u8>(from + 2 + (g >> 2))) >> (<i32>((g & 3) << 1))) & 3;
    store<f32>(scales + (g << 2), scale * <f32>((low | (high << 4)) - 32));
    unpackLevels(from + 8 + (g << 4), codes + (g << 5));
  }
  return from + 136;
}

/** Two f16 factors, then 12 bytes with 6 bits of scale and of minimum for 8 groups. */
function unpackScalesK(from: usize, scales: usize, minima: usize): void {
  const scale = factor(from);
  const minimum = factor(from + 2);
  for (let g: usize = 0; g < 8; g++) {
    const at = from + 4 + (g & 3);
    const first = <i32>load<u8>(at);
    const second = <i32>load<u8>(at, 4);
    const last = <i32>load<u8>(at, 8);
    const s = g < 4 ? first & 63 : (last & 15) | ((first >> 6) << 4);
    const m = g < 4 ? second & 63 : (last >> 4) | ((second >> 6) << 4);
    store<f32>(scales + (g << 2), scale * <f32>s);
    store<f32>(minima + (g << 2), -(minimum * <f32>m));
  }
}

// 16 values from number `at` on.

/** In the lowest two bits; 32 bytes hold 128 values, with values 32 apart in one byte. */
// @inline
function twoBits(from: usize, at: usize): v128 {
  return i8x16.shr_u(v128.load(from + ((at >> 7) << 5) + (at & 31)), <i32>(((at >> 5) & 3) << 1));
}

/** At bit `to`; 32 bytes hold all 256 values, with values 32 apart in one byte. */
// @inline
function oneBit(from: usize, at: usize, to: i32): v128 {
  const bit = v128.and(i8x16.shr_u(v128.load(from + (at & 31)), <i32>(at >> 5)), i8x16.splat(1));
  return i8x16.shl(bit, to);
}

/** 32 bytes hold 64 values, the first 32 in their low nibbles. */
// @inline
function nibblesK(from: usize, at: usize): v128 {
  const v = v128.load(from + ((at >> 6) << 5) + (at & 31));
  return at & 32 ? i8x16.shr_u(v, 4) : lowNibbles(v);
}
