/** The texts of stored pictures: read once, and kept beside them, where the user may correct them. No vscode. */
import { existsSync } from 'node:fs';
import { abortable } from '../common/abortable.ts';
import { replaceFile } from '../files/replaceFile.ts';
import { readText, type ReadTextOptions } from './readText.ts';

/** The scheme of the documents in which the user sees and corrects these texts. */
export const PICTURE_TEXT_SCHEME = 'airgap-picture-text';

/** A draft counts again soon after it stopped counting, so reading goes on for a moment when nobody waits any more. */
const PATIENCE_MS = 1500;

interface Reading {
  readonly text: Promise<void>;
  readonly abort: AbortController;
  waiting: number;
}

export class PictureTexts {
  readonly #readings = new Map<string, Reading>();
  readonly #options: () => Omit<ReadTextOptions, 'signal' | 'onProgress'>;

  /** `options` are asked for at each reading, because they come from settings. */
  constructor(options: () => Omit<ReadTextOptions, 'signal' | 'onProgress'>) {
    this.#options = options;
  }

  /** The path of the file with the text of HASH.png, which is written now if there is none. Rejects with a sentence. */
  async textFile(png: string, signal: AbortSignal): Promise<string> {
    signal.throwIfAborted();
    const file = textFileOf(png);
    if (existsSync(file)) return file;
    const reading = this.#readings.get(png) ?? this.#read(png, file);
    reading.waiting++;
    try {
      await abortable(reading.text, signal);
      return file;
    } finally {
      reading.waiting--;
      setTimeout(() => reading.waiting === 0 && reading.abort.abort(), PATIENCE_MS).unref();
    }
  }

  dispose(): void {
    for (const { abort } of this.#readings.values()) abort.abort();
  }

  #read(png: string, file: string): Reading {
    const abort = new AbortController();
    const text = readText(png, { ...this.#options(), signal: abort.signal })
      .then((read) => replaceFile(file, (handle) => handle.writeFile(read.text)))
      .finally(() => this.#readings.delete(png));
    // Whoever waited has given up.
    text.catch(() => {});
    const reading = { text, abort, waiting: 0 };
    this.#readings.set(png, reading);
    return reading;
  }
}

/** Where the text of a picture's file HASH.png is kept. */
export function textFileOf(png: string): string {
  return png.replace(/\.png$/, '.txt');
}
