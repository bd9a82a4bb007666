/** What the thread that reads a picture is started with, and what it says. */

export interface ThreadData {
  /** A PNG file. */
  readonly file: string;
  /** Holds the core's .wasm file and the languages that are shipped. */
  readonly folder: string;
  /** Holds further languages; empty for none. */
  readonly languageFolder: string;
  /** Names of Tesseract's data files, such as `eng`. */
  readonly languages: readonly string[];
}

export interface PictureText {
  /** Lines with the blanks before and between their words, as far as these can be told; empty without text. */
  readonly text: string;
  /** 0 to 100: how sure Tesseract is, on average. */
  readonly confidence: number;
}

export type FromThread =
  | { readonly progress: number }
  | { readonly read: PictureText }
  /** One sentence. */
  | { readonly problem: string };
