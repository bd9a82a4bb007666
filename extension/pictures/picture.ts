/** A picture as the extension keeps it: a PNG file that is named after the hash of its bytes. Pure: types only. */
export interface Picture {
  /** SHA-256 of the file, in hexadecimal digits. */
  readonly hash: string;
  /** The name by which the user knows it, such as "dialog.png"; it is not unique. */
  readonly name: string;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  /** The absolute path of the PNG file, on the extension's machine. */
  readonly file: string;
}

/** Pictures as other features see them. */
export interface Pictures {
  /**
   * Decodes a picture file of any kind that the browser knows, in the chat's page, which is opened if none shows. The
   * file stays until `release` has been called for it. Rejects with an Error of one sentence.
   */
  decode(uri: { toString(): string }, signal?: AbortSignal): Promise<Picture>;
  /** To be called once for each picture that `decode` has given. Deletes the file if nothing else uses it. */
  release(picture: Picture): Promise<void>;
}

/** The greatest picture that is kept, in pixels: a page's browser reduces greater ones. */
export const MOST_PIXELS = 16_000_000;
/** Longer sides do not fit into the memory of graphics cards, through which browsers draw. */
export const LONGEST_SIDE = 16_384;
/** Sixteen million pixels of noise take 48 MB as a PNG. */
export const MOST_BYTES = 64 * 2 ** 20;
/** A message between page and host holds at most so many bytes of a picture. */
export const PIECE_BYTES = 4_000_000;
