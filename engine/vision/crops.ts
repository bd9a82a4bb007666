import { CROP_SIZE, PATCHES, PATCH_VALUES } from '../layers/patches.ts';
import { COLOUR_DEVIATION, COLOUR_MEAN } from '../models/clipColours.ts';
import { globalView } from './globalView.ts';
import { type HdSize, hdSize } from './hdSize.ts';
import type { PictureMemory } from './pictureMemory.ts';
import type { Pixels } from './pixels.ts';
import { scale } from './scale.ts';

/**
 * Scales a picture to as many crops as fit and cuts it. The memory is taken for it alone. Gives the patches of the global
 * view, then those of the crops row by row: (crops, PATCHES, PATCH_VALUES) in that memory. The patches of a crop lie row by
 * row, the values of each by colour, then row; they are normalised. Reference: `Phi3VImageProcessor` in
 * image_processing_phi3_v.py.
 */
export function cutIntoCrops(memory: PictureMemory, picture: Pixels, mostCrops: number): Float32Array {
  const size = hdSize(picture, mostCrops);
  const { byteOffset: whole } = scaleAndPad(memory, picture, size);
  const rowBytes = 3 * size.width;
  const cropBytes = 4 * PATCHES * PATCH_VALUES;
  const crops = memory.take((1 + size.rows * size.cols) * cropBytes);
  const normal = memory.put(Float32Array.from(NORMAL));
  let to = crops.byteOffset;
  memory.kernels.floatPatches(globalView(memory, size, { at: whole, rowBytes }), normal, to);
  for (let row = 0; row < size.rows; row++) {
    for (let col = 0; col < size.cols; col++) {
      memory.kernels.bytePatches(whole + CROP_SIZE * (row * rowBytes + 3 * col), rowBytes, normal, (to += cropBytes));
    }
  }
  return new Float32Array(crops.buffer, crops.byteOffset, crops.length / 4);
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

/** By colour, the factor and the addend that normalise values from 0 to 255. */
const NORMAL = COLOUR_MEAN.flatMap((mean, c) => [1 / 255 / COLOUR_DEVIATION[c]!, -mean / COLOUR_DEVIATION[c]!]);
