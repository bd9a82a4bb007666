import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { FromThread, PictureText, ThreadData } from './protocol.ts';

export interface ReadTextOptions {
  /** The folder of the bundles: ocr.cjs, Tesseract's core, and English and German. */
  readonly folder: string;
  readonly signal: AbortSignal;
  /** Between 0 and 1. */
  onProgress?(fraction: number): void;
  /** Names of Tesseract's data files, by default English and German. */
  readonly languages?: readonly string[];
  /** Where further languages are, as NAME.traineddata or NAME.traineddata.gz. */
  readonly languageFolder?: string;
}

/**
 * Reads the text of a picture, a PNG file, in a thread that ends afterwards or when `signal` aborts. No network is used.
 * Throws the signal's reason, or an error of one sentence where the file is no PNG file, or damaged, or a language's data
 * are missing.
 */
export async function readText(file: string, options: ReadTextOptions): Promise<PictureText> {
  const { folder, signal, onProgress, languages = SHIPPED_LANGUAGES, languageFolder = '' } = options;
  signal.throwIfAborted();
  const workerData: ThreadData = { file, folder, languages, languageFolder };
  const thread = new Worker(join(folder, 'ocr.cjs'), { workerData });
  try {
    return await new Promise<PictureText>((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      thread.on('message', (message: FromThread) => {
        if ('progress' in message) onProgress?.(message.progress);
        else if ('read' in message) resolve(message.read);
        else reject(new Error(message.problem));
      });
      thread.on('error', reject);
      thread.on('exit', () => reject(new Error('The thread that reads the picture ended.')));
    });
  } finally {
    await thread.terminate();
  }
}

/** The first one decides in doubt: with English first, umlauts lose their dots, and English loses nothing this way. */
const SHIPPED_LANGUAGES = ['deu', 'eng'];
