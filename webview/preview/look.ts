/** What the user has chosen in the preview. The page keeps it while it is hidden or loaded anew. */

export interface Look {
  /** Whether the picture lies over the result; otherwise they stand beside each other. */
  overlay: boolean;
  /** How much of the picture covers the result, in percent from the left. */
  covered: number;
  /** Pixels of the picture per pixel of CSS; 0: as the picture's size suggests. */
  density: number;
  /** Words for the next version that are not sent yet. */
  words: string;
}

export const INITIAL: Look = { overlay: false, covered: 50, density: 0, words: '' };

/** Screens with two pixels per pixel of CSS are usually wider than this. */
const WIDEST_PLAIN = 2000;

/** The size of the picture in pixels of CSS, which is the size of the frame that shows the result. */
export function cssSize(
  picture: { width: number; height: number },
  { density }: Look,
): { width: number; height: number } {
  const scale = density || (picture.width > WIDEST_PLAIN ? 2 : 1);
  return {
    width: Math.max(1, Math.round(picture.width / scale)),
    height: Math.max(1, Math.round(picture.height / scale)),
  };
}

/** A size as CSS. */
export function pixels(size: { width: number; height: number }, scale = 1): { width: string; height: string } {
  return { width: `${size.width * scale}px`, height: `${size.height * scale}px` };
}
