import { CROP_SIDE, CROP_SIZE } from '../layers/patches.ts';

/** How a picture is scaled and cut into crops. */
export interface HdSize {
  /** The picture is higher than wide: it is scaled as its transpose would be. */
  readonly isPortrait: boolean;
  /** Size of the scaled picture, and the rows of padding above it, in the frame in which it lies across. */
  readonly scaled: { readonly width: number; readonly height: number; readonly above: number };
  /** Size of the padded picture: multiples of CROP_SIZE. */
  readonly width: number;
  readonly height: number;
  readonly rows: number;
  readonly cols: number;
  /** Positions that the picture takes in a prompt. */
  readonly tokens: number;
}

/**
 * The largest size that at most `mostCrops` crops cover: a whole number of crops wide, and as high as its shape demands.
 * Reference: `HD_transform` in image_processing_phi3_v.py, which fails where the height would become 0; here it is 1.
 */
export function hdSize(picture: { readonly width: number; readonly height: number }, mostCrops: number): HdSize {
  const isPortrait = picture.width < picture.height;
  const ratio = isPortrait ? picture.height / picture.width : picture.width / picture.height;
  let across = 1;
  while ((across + 1) * Math.ceil((across + 1) / ratio) <= mostCrops) across++;
  const width = across * CROP_SIZE;
  const height = Math.max(1, Math.trunc(width / ratio));
  const down = Math.ceil(height / CROP_SIZE);
  const [rows, cols] = isPortrait ? [across, down] : [down, across];
  return {
    isPortrait,
    scaled: { width, height, above: Math.floor((down * CROP_SIZE - height) / 2) },
    width: cols * CROP_SIZE,
    height: rows * CROP_SIZE,
    rows,
    cols,
    // A separator behind each row of positions of the crops and of the global view, and one between them.
    tokens: (rows * cols + 1) * CROP_SIDE ** 2 + 1 + (rows + 1) * CROP_SIDE,
  };
}
