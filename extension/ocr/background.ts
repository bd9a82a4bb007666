/** Which colour lies behind each pixel: screenshots have even surfaces, such as an editor, a selection and a button. */
import type { Pixels } from '../../engine/vision/pixels.ts';

/** A smaller surface is a part of a letter or of a picture. */
const LEAST_EDGE = 14;
const LEAST_AREA = 300;
/** The share of its bounding box that a surface with text on it still fills. */
const LEAST_FILL = 0.4;
/** The share of the picture that makes a surface of any form one behind text. */
const LARGE_SHARE = 0.1;

/**
 * The colour (0xRRGGBB) behind every pixel. A surface is a large connected area of exactly one colour; other pixels get
 * the nearest one in their row. Undefined where the picture has no such surfaces, as a photograph.
 */
export function backgrounds(picture: Pixels): Int32Array | undefined {
  const { width, height } = picture;
  const colours = coloursOf(picture);
  const surfaces = surfacesOf(colours, width, height);
  const behind = new Int32Array(width * height).fill(NONE);
  let covered = 0;
  let above = NONE;
  for (let y = 0; y < height; y++) {
    const row = y * width;
    let left = NONE;
    for (let x = 0; x < width; x++) {
      if (surfaces[row + x]) {
        covered++;
        left = colours[row + x]!;
      }
      behind[row + x] = left;
    }
    // What lies before the first surface of the row, and rows without any.
    let next = left === NONE ? above : left;
    for (let x = width - 1; x >= 0; x--) {
      if (surfaces[row + x]) next = colours[row + x]!;
      else if (behind[row + x] === NONE) behind[row + x] = next;
    }
    above = behind[row]!;
  }
  return covered >= LEAST_COVERED * width * height ? behind : undefined;
}

const NONE = -1;
const LEAST_COVERED = 0.3;

function coloursOf({ width, height, rgb }: Pixels): Int32Array {
  const colours = new Int32Array(width * height);
  for (let i = 0; i < colours.length; i++) colours[i] = (rgb[3 * i]! << 16) | (rgb[3 * i + 1]! << 8) | rgb[3 * i + 2]!;
  return colours;
}

/** Marks the pixels of surfaces with 1. Runs of one colour are joined with those above them (union-find). */
function surfacesOf(colours: Int32Array, width: number, height: number): Uint8Array {
  const runOf = new Int32Array(width * height);
  const parent: number[] = [];
  const root = (run: number): number => {
    while (parent[run] !== run) run = parent[run] = parent[parent[run]!]!;
    return run;
  };
  for (let i = 0; i < colours.length; i++) {
    const startsRow = i % width === 0;
    if (startsRow || colours[i] !== colours[i - 1]) parent.push(parent.length);
    const run = parent.length - 1;
    runOf[i] = run;
    if (i < width || colours[i - width] !== colours[i]) continue;
    const [a, b] = [root(run), root(runOf[i - width]!)];
    if (a !== b) parent[a] = b;
  }
  const area = new Int32Array(parent.length);
  const [left, right] = [new Int32Array(parent.length).fill(width), new Int32Array(parent.length)];
  const [top, bottom] = [new Int32Array(parent.length).fill(height), new Int32Array(parent.length)];
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const a = (runOf[i] = root(runOf[i]!));
      area[a]!++;
      if (x < left[a]!) left[a] = x;
      if (x > right[a]!) right[a] = x;
      if (y < top[a]!) top[a] = y;
      bottom[a] = y;
    }
  }
  const isSurface = (a: number): boolean => {
    if (area[a]! >= LARGE_SHARE * width * height) return true;
    const [across, down] = [right[a]! - left[a]! + 1, bottom[a]! - top[a]! + 1];
    return area[a]! >= LEAST_AREA && down >= LEAST_EDGE && across >= down && area[a]! >= LEAST_FILL * across * down;
  };
  const marks = new Uint8Array(parent.length);
  for (let a = 0; a < parent.length; a++) if (parent[a] === a && isSurface(a)) marks[a] = 1;
  return Uint8Array.from(runOf, (a) => marks[a]!);
}
