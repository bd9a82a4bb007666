import { CROP_SIZE } from '../layers/patches.ts';
import type { PictureMemory } from './pictureMemory.ts';
import type { Target } from './scale.ts';

/**
 * The whole picture as one crop, from 0 to about 255 and not rounded: (CROP_SIZE, CROP_SIZE, 3) in f32, whose address is
 * returned. Reference: PyTorch's bicubic interpolation (a = -0.75, centres of pixels, no smoothing, repeated edges), which
 * commutes with the normalisation because its weights add up to one.
 */
export function globalView(
  memory: PictureMemory,
  { width, height }: { readonly width: number; readonly height: number },
  from: Target,
): number {
  const across = memory.put(tapsOf(width));
  const downTaps = tapsOf(height);
  const down = memory.put(downTaps);
  const rowIndices = new Int32Array(downTaps.buffer);
  const values = 3 * CROP_SIZE;
  const view = memory.take(4 * values * CROP_SIZE).byteOffset;
  // The four rows of the picture that a row of the view needs, scaled across. The next one shares some of them.
  const rows = memory.take(4 * 8 * values).byteOffset;
  const held = [-1, -1, -1, -1];
  for (let y = 0; y < CROP_SIZE; y++) {
    for (const row of rowIndices.subarray(12 * y, 12 * y + 4)) {
      if (held[row & 3] === row) continue;
      held[row & 3] = row;
      memory.kernels.bicubicRow(from.at + row * from.rowBytes, across, CROP_SIZE, rows + 8 * values * (row & 3));
    }
    memory.kernels.bicubicMix(rows, down + 48 * y, values, view + 4 * values * y);
  }
  return view;
}

/** For each sample of CROP_SIZE those that it is made of, as four i32, and their weights, as four f64. */
function tapsOf(from: number): Float64Array {
  const weights = new Float64Array(6 * CROP_SIZE);
  const indices = new Int32Array(weights.buffer);
  for (let i = 0; i < CROP_SIZE; i++) {
    const centre = (i + 0.5) * (from / CROP_SIZE) - 0.5;
    const floor = Math.floor(centre);
    const t = centre - floor;
    [far(t + 1), near(t), near(1 - t), far(2 - t)].forEach((weight, k) => {
      indices[12 * i + k] = Math.min(from - 1, Math.max(0, floor + k - 1));
      weights[6 * i + 2 + k] = weight;
    });
  }
  return weights;
}

const A = -0.75;

function near(x: number): number {
  return ((A + 2) * x - (A + 3)) * x * x + 1;
}

function far(x: number): number {
  return ((A * x - 5 * A) * x + 8 * A) * x - 4 * A;
}
