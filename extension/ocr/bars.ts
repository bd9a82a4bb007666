/** Characters that are horizontal bars: Tesseract loses underscores, and takes rules such as `=====` for letters. */
import type { Grey } from './grey.ts';

/** A part of a picture in pixels; `x1` and `y1` are behind it. */
export interface Area {
  readonly x0: number;
  readonly x1: number;
  readonly y0: number;
  readonly y1: number;
}

/** Darker values are ink; those of thin bars at 1x are not very dark. */
const DARK = 160;
/** A rule is at least this many heights of text long, and so much of it is ink. */
const LEAST_RULE = 3;
const LEAST_DARK_SHARE = 0.75;
/** The gap between two bars of a rule; the length of the shortest underscore; in heights of text. */
const MOST_GAP = 0.2;
const LEAST_UNDERSCORE = 0.3;
/** How far an edge is softened, and how thick a bar is at most, in heights of text. */
const SOFT = 0.06;
const MOST_THICK = 0.17;

/**
 * Takes rules and underscores out of a picture. A rule is ink much longer than any letter, with small gaps or none; an
 * underscore is a bar with nothing around it in its columns, and below the letters beside it.
 */
export function withoutBars(picture: Grey, textHeight: number): { letters: Grey; underscores: Area[] } {
  const { width, height, values } = picture;
  const letters = { width, height, values: values.slice() };
  const underscores: Area[] = [];
  if (textHeight === 0) return { letters, underscores };
  const soft = Math.ceil(SOFT * textHeight);
  const clear = (area: Area): void => {
    const end = Math.min(height, area.y1 + soft);
    const [x0, x1] = [Math.max(0, area.x0 - soft), Math.min(width, area.x1 + soft)];
    for (let y = Math.max(0, area.y0 - soft); y < end; y++) letters.values.fill(255, y * width + x0, y * width + x1);
  };
  for (let y = 0; y < height; y++) {
    for (const { x0, x1 } of runs(picture, y, MOST_GAP * textHeight)) {
      if (x1 - x0 >= LEAST_RULE * textHeight && isRule(picture, { x0, x1, y0: y, y1: y + 1 }, textHeight)) {
        clear({ x0, x1, y0: y, y1: y + 1 });
      }
    }
    for (const { x0, x1 } of runs(picture, y, 0)) {
      if (x1 - x0 < LEAST_UNDERSCORE * textHeight) continue;
      const area = underscoreAt(picture, { x0, x1 }, y, textHeight);
      if (!area) continue;
      underscores.push(area);
      clear(area);
    }
  }
  return { letters, underscores };
}

/** Whether a row of ink is a rule: letters have ink above or below, farther away than the other bar of `=` is. */
function isRule(picture: Grey, row: Area, textHeight: number): boolean {
  const length = row.x1 - row.x0;
  if (dark(picture, row) < LEAST_DARK_SHARE * length) return false;
  return [-0.5, 0.35].every((from) => {
    const y0 = row.y0 + from * textHeight;
    const y1 = y0 + 0.15 * textHeight;
    return dark(picture, { ...row, y0, y1 }) <= MOST_NEAR * length * (y1 - y0);
  });
}

/** The share of ink that may lie there. */
const MOST_NEAR = 0.03;

/** The runs of ink in a row; gaps of up to `mostGap` pixels belong to them. */
function* runs({ width, values }: Grey, y: number, mostGap: number): Generator<{ x0: number; x1: number }> {
  let [x0, x1] = [-1, -1];
  for (let x = 0; x < width; x++) {
    if (values[y * width + x]! >= DARK) continue;
    if (x0 >= 0 && x - x1 > mostGap) {
      yield { x0, x1 };
      x0 = -1;
    }
    if (x0 < 0) x0 = x;
    x1 = x + 1;
  }
  if (x0 >= 0) yield { x0, x1 };
}

/** The underscore whose upper edge is a run of ink; undefined if it is something else. */
function underscoreAt(
  picture: Grey,
  { x0, x1 }: { x0: number; x1: number },
  y: number,
  textHeight: number,
): Area | undefined {
  const area = (above: number, below: number, beside = 0): Area => ({
    ...{ x0: x0 - beside * textHeight, x1: x1 + beside * textHeight },
    ...{ y0: y - above * textHeight, y1: y + below * textHeight },
  });
  if (dark(picture, { x0, x1, y0: y - 1, y1: y }) > 0) return undefined;
  let y1 = y;
  while (y1 < picture.height && dark(picture, { x0, x1, y0: y1, y1: y1 + 1 }) >= LEAST_DARK_SHARE * (x1 - x0)) y1++;
  if (y1 - y > MOST_THICK * textHeight) return undefined;
  const around = dark(picture, { ...area(0.7, 0), y1: y }) + dark(picture, { ...area(0, 0.4), y0: y1 });
  if (around > 0) return undefined;
  const above = dark(picture, { ...area(0.7, 0, 1), y1: y });
  const level = dark(picture, { ...area(0, 0.25, 1), y0: y1 });
  return above > 0 && level <= MOST_BELOW * above ? { x0, x1, y0: y, y1 } : undefined;
}

/** Of the ink beside an underscore, descenders reach below it. */
const MOST_BELOW = 0.2;

/** The number of dark pixels in an area. */
function dark({ width, height, values }: Grey, area: Area): number {
  const [x0, x1] = [Math.max(0, Math.round(area.x0)), Math.min(width, Math.round(area.x1))];
  const [y0, y1] = [Math.max(0, Math.round(area.y0)), Math.min(height, Math.round(area.y1))];
  let count = 0;
  for (let y = y0; y < y1; y++) for (let x = x0; x < x1; x++) if (values[y * width + x]! < DARK) count++;
  return count;
}

/** The share of a cell's width that a bar takes, and that other ink may take. */
const LEAST_BAR = 0.6;
const MOST_OTHER = 0.25;
/** A bar is no thicker than this share of the line's height, and an underscore begins below that one. */
const THICKEST_BAR = 0.25;
const LOW = 0.7;

/** What stands in a cell of a line: `_`, `-` or `=` if it holds nothing but bars, and else nothing. */
export function barIn(picture: Grey, { x0, x1, y0, y1 }: Area): '_' | '-' | '=' | '' {
  const tall = y1 - y0;
  const bars: number[] = [];
  let thickness = 0;
  for (let y = Math.round(y0); y < y1 + tall / 4; y++) {
    const share = dark(picture, { x0, x1, y0: y, y1: y + 1 }) / (x1 - x0);
    if (share < LEAST_BAR) {
      if (share > MOST_OTHER) return '';
      thickness = 0;
      continue;
    }
    if (++thickness === 1) bars.push((y - y0) / tall);
    if (thickness > THICKEST_BAR * tall) return '';
  }
  if (bars.length === 2) return '=';
  if (bars.length !== 1) return '';
  return bars[0]! > LOW ? '_' : '-';
}
