import { CROP_SIZE, PATCHES, PATCHES_ACROSS, PATCH_SIZE, PATCH_VALUES } from '../layers/patches.ts';
import { COLOUR_DEVIATION, COLOUR_MEAN } from '../models/clipColours.ts';
import { globalView } from './globalView.ts';
import { type HdSize, hdSize } from './hdSize.ts';
import { type Pixels, transpose } from './pixels.ts';
import { scale } from './scale.ts';

/** A picture as the image encoder takes it. */
export interface Crops {
  readonly size: HdSize;
  /** The global view, then the crops row by row. */
  readonly count: number;
  /**
   * (PATCHES, PATCH_VALUES): the patches of a crop row by row, the values of each by colour, then row. They are
   * normalised. Reference: `Phi3VImageProcessor` in image_processing_phi3_v.py.
   */
  patches(crop: number): Float32Array;
}

/** Scales a picture to as many crops as fit and cuts it. */
export function cutIntoCrops(picture: Pixels, mostCrops: number): Crops {
  const size = hdSize(picture, mostCrops);
  const whole = scaleAndPad(picture, size);
  return {
    size,
    count: 1 + size.rows * size.cols,
    patches(crop) {
      if (crop === 0) return patchesOf(globalView(whole), 0, CROP_SIZE);
      const [row, col] = [Math.floor((crop - 1) / size.cols), (crop - 1) % size.cols];
      return patchesOf(whole.rgb, 3 * CROP_SIZE * (row * size.width + col), size.width);
    },
  };
}

/** The padding is white. Portraits are scaled as their transposes, because the order of the two passes shows. */
export function scaleAndPad(picture: Pixels, { isPortrait, scaled, width, height }: HdSize): Pixels {
  const small = scale(isPortrait ? transpose(picture) : picture, scaled.width, scaled.height);
  const [across, down] = isPortrait ? [height, width] : [width, height];
  const rgb = new Uint8Array(3 * across * down).fill(255);
  rgb.set(small.rgb, 3 * scaled.above * across);
  const padded = { width: across, height: down, rgb };
  return isPortrait ? transpose(padded) : padded;
}

/** The patches of the crop whose first value is at `from`, in rows of `width` pixels. */
function patchesOf(rgb: Uint8Array | Float32Array, from: number, width: number): Float32Array {
  const patches = new Float32Array(PATCHES * PATCH_VALUES);
  const [[redScale, red], [greenScale, green], [blueScale, blue]] = NORMALISED;
  const plane = PATCH_SIZE ** 2;
  for (let patch = 0; patch < PATCHES; patch++) {
    const [row, col] = [Math.floor(patch / PATCHES_ACROSS), patch % PATCHES_ACROSS];
    const corner = from + 3 * PATCH_SIZE * (row * width + col);
    for (let y = 0, to = patch * PATCH_VALUES; y < PATCH_SIZE; y++) {
      let at = corner + 3 * y * width;
      for (const end = at + 3 * PATCH_SIZE; at < end; at += 3, to++) {
        patches[to] = rgb[at]! * redScale + red;
        patches[to + plane] = rgb[at + 1]! * greenScale + green;
        patches[to + 2 * plane] = rgb[at + 2]! * blueScale + blue;
      }
    }
  }
  return patches;
}

/** By colour: the factor and the addend that normalise values from 0 to 255. */
const NORMALISED = [normalised(0), normalised(1), normalised(2)] as const;

function normalised(colour: 0 | 1 | 2): readonly [factor: number, addend: number] {
  const deviation = COLOUR_DEVIATION[colour];
  return [1 / 255 / deviation, -COLOUR_MEAN[colour] / deviation];
}
