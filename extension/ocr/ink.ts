/** A screenshot as dark text on white paper, whatever the colours of its theme. */
import type { Pixels } from '../../engine/vision/pixels.ts';
import { backgrounds } from './background.ts';
import type { Grey } from './grey.ts';

/** A fainter difference from the background is no ink but a shadow or noise. Of 255. */
const FAINT = 24;
/** Text is made equally dark within this distance, in pixels of the screenshot. */
const NEIGHBOURHOOD = 8;

/**
 * The distance of each pixel from the colour behind it, from white (none) to black. Dim text, such as a comment, becomes
 * as dark as other text, because the reader decides for the whole picture what is ink.
 */
export function inkOf(picture: Pixels): Grey {
  const { width, height, rgb } = picture;
  const behind = backgrounds(picture);
  const ink = new Uint8Array(width * height);
  if (behind) {
    for (let i = 0; i < ink.length; i++) {
      const colour = behind[i]!;
      const red = Math.abs(rgb[3 * i]! - (colour >> 16));
      const green = Math.abs(rgb[3 * i + 1]! - ((colour >> 8) & 255));
      ink[i] = (red + green + Math.abs(rgb[3 * i + 2]! - (colour & 255))) / 3;
    }
  } else {
    let sum = 0;
    for (let i = 0; i < ink.length; i++) {
      ink[i] = 255 - (rgb[3 * i]! * 54 + rgb[3 * i + 1]! * 183 + rgb[3 * i + 2]! * 19) / 256;
      sum += ink[i]!;
    }
    // There is more paper than ink.
    if (sum > 127.5 * ink.length) for (let i = 0; i < ink.length; i++) ink[i] = 255 - ink[i]!;
  }
  const strongest = spread(spread(ink, width, height, 1, width), height, width, width, 1);
  const values = new Uint8Array(ink.length);
  for (let i = 0; i < ink.length; i++) {
    const most = strongest[i]!;
    values[i] = most < FAINT ? 255 : 255 - (255 * ink[i]!) / most;
  }
  return { width, height, values };
}

/** The largest value within NEIGHBOURHOOD along lines of `length` values that are `step` apart; lines are `line` apart. */
function spread(values: Uint8Array, length: number, lines: number, step: number, line: number): Uint8Array {
  const largest = new Uint8Array(values.length);
  for (let l = 0; l < lines; l++) {
    for (let i = 0; i < length; i++) {
      let most = 0;
      const end = Math.min(length - 1, i + NEIGHBOURHOOD);
      for (let k = Math.max(0, i - NEIGHBOURHOOD); k <= end; k++) most = Math.max(most, values[l * line + k * step]!);
      largest[l * line + i * step] = most;
    }
  }
  return largest;
}
