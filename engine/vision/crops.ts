import { CROP_SIZE, PATCHES, PATCH_VALUES } from '../layers/patches.ts';
import { COLOUR_DEVIATION, COLOUR_MEAN } from '../models/clipColours.ts';
import { globalView } from './globalView.ts';
import { type HdSize, hdSize } from './hdSize.ts';
import type { PictureMemory } from './pictureMemory.ts';
import type { Pixels } from './pixels.ts';
import { scale } from './scale.ts';

/** A picture as the image encoder takes it. */
export interface Crops {
  readonly size: HdSize;
  /** The global view, then the crops row by row. */
  readonly count: number;
  /**
   * (PATCHES, PATCH_VALUES), until the next call: the patches of a crop row by row, the values of each by colour, then row.
   * They are normalised. Reference: `Phi3VImageProcessor` in image_processing_phi3_v.py.
   */
  patches(crop: number): Float32Array;
}

/** Scales a picture to as many crops as fit and cuts it. The memory is taken for it alone. */
export function cutIntoCrops(memory: PictureMemory, picture: Pixels, mostCrops: number): Crops {
  const size = hdSize(picture, mostCrops);
  const { byteOffset: whole } = scaleAndPad(memory, picture, size);
  const rowBytes = 3 * size.width;
  const bytes = memory.take(4 * PATCHES * PATCH_VALUES);
  const patches = new Float32Array(bytes.buffer, bytes.byteOffset, PATCHES * PATCH_VALUES);
  const factors = memory.put(Float64Array.from(NORMALISED.flat()));
  const normalised = memory.put(
    Float32Array.from({ length: 3 * 256 }, (_, i) => (i & 255) * NORMALISED[i >> 8]![0] + NORMALISED[i >> 8]![1]),
  );
  return {
    size,
    count: 1 + size.rows * size.cols,
    patches(crop) {
      if (crop === 0) {
        const view = globalView(memory, size, { at: whole, rowBytes });
        memory.kernels.floatPatches(view, factors, patches.byteOffset);
      } else {
        const [row, col] = [Math.floor((crop - 1) / size.cols), (crop - 1) % size.cols];
        const corner = whole + CROP_SIZE * (row * rowBytes + 3 * col);
        memory.kernels.bytePatches(corner, rowBytes, normalised, patches.byteOffset);
      }
      return patches;
    },
  };
}

/**
 * The scaled picture with its padding, which is white, row by row. Portraits are scaled down first, because the original
 * scales their transposes.
 */
export function scaleAndPad(
  memory: PictureMemory,
  picture: Pixels,
  { isPortrait, scaled, width, height }: HdSize,
): Uint8Array {
  const padded = memory.take(3 * width * height).fill(255);
  const rowBytes = 3 * width;
  const at = padded.byteOffset + scaled.above * (isPortrait ? 3 : rowBytes);
  const size = isPortrait ? { width: scaled.height, height: scaled.width } : scaled;
  scale(memory, picture, size, isPortrait ? 'down' : 'across', { at, rowBytes });
  return padded;
}

/** By colour: the factor and the addend that normalise values from 0 to 255. */
const NORMALISED = [normalised(0), normalised(1), normalised(2)] as const;

function normalised(colour: 0 | 1 | 2): readonly [factor: number, addend: number] {
  const deviation = COLOUR_DEVIATION[colour];
  return [1 / 255 / deviation, -COLOUR_MEAN[colour] / deviation];
}
