import { scratch } from '../thread';
import { gegeluStretch } from '../rowwise/gegelu';
import { layerNormRow, mean, rest, inverseDeviation } from '../rowwise/layerNorm';
import { inverseRms, scaleBy } from '../rowwise/rmsNorm';
import { siluStretch } from '../rowwise/siluMul';
import { X_BYTES } from './format';
import { isShifted, quantiseBlock } from './quantise';
import { GROUP_VALUES } from '../opcodes';

/**
 * Variants of rmsNorm, layerNorm, siluMul and gegelu whose result is read only by products with quantised weights:
 * instead of y, they write y quantised (quantise.ts), bit for bit as if y had been written first. An item is a group of
 * 32 columns; in a norm, each grain sums over the whole row, so that no thread waits for another. Words: the
 * operation's own with the quantised rows in place of y, then the dtype of the weights. Thread scratch: 64 bytes for
 * quantise, then 32 f32.
 */

const GROUP_BYTES: usize = GROUP_VALUES * 4;
const VALUES: usize = 64;

export function rmsNormQuantised(d: usize, from: i32, to: i32): void {
  const cols = load<i32>(d, 24);
  const groups = cols / GROUP_VALUES;
  const shifted = isShifted(load<i32>(d, 32));
  let inverse: f32 = 0;
  for (let item = from; item < to; item++) {
    const group = item % groups;
    const x: usize = load<u32>(d, 12) + <usize>item * GROUP_BYTES;
    const weight: usize = load<u32>(d, 16) + <usize>group * GROUP_BYTES;
    if (group === 0 || item === from) inverse = inverseRms(x - <usize>group * GROUP_BYTES, cols, load<f32>(d, 28));
    scaleBy(x, weight, scratch + VALUES, GROUP_VALUES, inverse);
    quantiseBlock(scratch + VALUES, load<u32>(d, 20) + <usize>item * X_BYTES, shifted);
  }
}

export function layerNormQuantised(d: usize, from: i32, to: i32): void {
  const cols = load<i32>(d, 28);
  const groups = cols / GROUP_VALUES;
  const shifted = isShifted(load<i32>(d, 36));
  let centre: f32 = 0;
  let remainder: f32 = 0;
  let inverse: f32 = 0;
  for (let item = from; item < to; item++) {
    const group = item % groups;
    const x: usize = load<u32>(d, 12) + <usize>item * GROUP_BYTES;
    if (group === 0 || item === from) {
      const row = x - <usize>group * GROUP_BYTES;
      centre = mean(row, cols);
      remainder = rest(row, cols, centre);
      inverse = inverseDeviation(row, cols, centre, remainder, load<f32>(d, 32));
    }
    const weight: usize = load<u32>(d, 16) + <usize>group * GROUP_BYTES;
    const bias: usize = load<u32>(d, 20) + <usize>group * GROUP_BYTES;
    layerNormRow(x, weight, bias, scratch + VALUES, GROUP_VALUES, centre, remainder, inverse);
    quantiseBlock(scratch + VALUES, load<u32>(d, 24) + <usize>item * X_BYTES, shifted);
  }
}

export function siluMulQuantised(d: usize, from: i32, to: i32): void {
  const width = load<i32>(d, 20);
  const groups = width / GROUP_VALUES;
  const shifted = isShifted(load<i32>(d, 28));
  for (let item = from; item < to; item++) {
    const row = item / groups;
    const gate: usize = load<u32>(d, 12) + <usize>(item + row * groups) * GROUP_BYTES;
    siluStretch(gate, gate + ((<usize>width) << 2), scratch + VALUES, GROUP_VALUES);
    quantiseBlock(scratch + VALUES, load<u32>(d, 16) + <usize>item * X_BYTES, shifted);
  }
}

export function gegeluQuantised(d: usize, from: i32, to: i32): void {
  const limit = load<f32>(d, 24);
  const shifted = isShifted(load<i32>(d, 28));
  for (let item = from; item < to; item++) {
    gegeluStretch(load<u32>(d, 12) + <usize>item * GROUP_BYTES * 2, scratch + VALUES, GROUP_VALUES, limit);
    quantiseBlock(scratch + VALUES, load<u32>(d, 16) + <usize>item * X_BYTES, shifted);
  }
}
