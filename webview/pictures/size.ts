/** How large a picture is kept. Pure. */

/** The host and the engine take no more pixels. */
const MOST_PIXELS = 16_000_000;
/** Browsers draw through graphics cards, whose memory takes no longer sides. */
const LONGEST_SIDE = 16_384;
/** Decoding takes four bytes for each pixel of the file. */
export const MOST_DECODED_PIXELS = 100_000_000;

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** The greatest size of the same shape that is kept; no side becomes 0. */
export function keptSize({ width, height }: Size): Size {
  const side = Math.min(1, LONGEST_SIDE / Math.max(width, height));
  const scale = Math.min(side, Math.sqrt(MOST_PIXELS / (width * height)));
  if (scale === 1) return { width, height };
  return { width: Math.max(1, Math.floor(width * scale)), height: Math.max(1, Math.floor(height * scale)) };
}
