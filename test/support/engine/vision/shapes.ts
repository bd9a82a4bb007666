import { encode } from 'fast-png';

/** A picture of one shape, for the model in test/fixtures/shapes. */
export interface ShapePicture {
  readonly width: number;
  readonly height: number;
  readonly shape: 'square' | 'circle' | 'triangle';
  readonly colour: keyof typeof COLOURS;
  readonly place: keyof typeof PLACES;
  /** One of the shades of grey from 0 to 255; white where absent. */
  readonly background?: number;
}

/** The file of model, tokenizer and configurations. */
export const SHAPES_FOLDER = 'test/fixtures/shapes/model';

/** As CSS has them. */
const COLOURS = {
  red: [255, 0, 0],
  green: [0, 128, 0],
  blue: [0, 0, 255],
  yellow: [255, 255, 0],
  purple: [128, 0, 128],
  orange: [255, 165, 0],
} as const;

/** Centres, in widths and heights. */
const PLACES = {
  left: [0.22, 0.5],
  right: [0.78, 0.5],
  top: [0.5, 0.22],
  bottom: [0.5, 0.78],
  middle: [0.5, 0.5],
} as const;

/** Half of the shape's height, in heights or widths of the picture, whichever is less. */
const HALF = 0.16;

/** A PNG file. */
export function drawShape({ width, height, shape, colour, place, background = 255 }: ShapePicture): Uint8Array {
  const half = HALF * Math.min(width, height);
  const [u, v] = PLACES[place];
  const inside = {
    square: (x: number, y: number) => Math.max(Math.abs(x), Math.abs(y)) <= half,
    circle: (x: number, y: number) => Math.hypot(x, y) <= half,
    triangle: (x: number, y: number) => Math.abs(y) <= half && 2 * Math.abs(x) <= y + half,
  }[shape];
  const data = new Uint8Array(3 * width * height).fill(background);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (inside(x + 0.5 - u * width, y + 0.5 - v * height)) data.set(COLOURS[colour], 3 * (y * width + x));
    }
  }
  return encode({ width, height, channels: 3, depth: 8, data });
}
