import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import createCore from 'tesseract.js-core/tesseract-core-simd-lstm.js';
import { z } from 'zod';
import type { Grey } from './grey.ts';

const letter = z.object({
  text: z.string(),
  bbox: z.object({ x0: z.number(), y0: z.number(), x1: z.number(), y1: z.number() }),
});
const word = letter.extend({ symbols: z.array(letter) });
const page = z.object({
  blocks: z.array(z.object({ paragraphs: z.array(z.object({ lines: z.array(z.object({ words: z.array(word) })) })) })),
});

/** A character and where it stands, in pixels. */
export type Letter = z.infer<typeof letter>;
export type Word = z.infer<typeof word>;
export type Line = readonly Word[];

export interface Page {
  readonly lines: readonly Line[];
  /** 0 to 100, of all words. */
  readonly confidence: number;
}

export interface TesseractOptions {
  /** Holds the core's .wasm file and the languages that are shipped. */
  readonly folder: string;
  /** Holds further languages; empty for none. */
  readonly languageFolder: string;
  /** Such as `eng`. */
  readonly languages: readonly string[];
  /** Between 0 and 1. */
  onProgress(fraction: number): void;
}

/**
 * Has Tesseract read a picture, in this thread. Its core and languages come from this disk: nothing is asked of a network.
 * Throws an error of one sentence where a language is missing or damaged.
 */
export async function recognise(picture: Grey, options: TesseractOptions): Promise<Page> {
  const { folder, languages, onProgress } = options;
  const core = await createCore({
    locateFile: (file) => join(folder, file),
    // Its complaints about data come back as results.
    print: () => {},
    printErr: () => {},
    // The layout counts as 30 per cent, but is done before the first report.
    TesseractProgress: (percent) => onProgress(Math.max(0, (percent - 30) / 70)),
  });
  for (const language of languages) core.FS.writeFile(`/${language}.traineddata`, languageData(language, options));
  core.FS.writeFile('/configuration', CONFIGURATION);
  const api = new core.TessBaseAPI();
  if (api.Init(null, languages.join('+'), LSTM_ONLY, '/configuration') !== 0) {
    throw new Error(`The data of the languages ${languages.join(', ')} are damaged, or are not for Tesseract's LSTM.`);
  }
  for (const [name, value] of Object.entries(VARIABLES)) {
    if (!api.SetVariable(name, value)) throw new Error(`Tesseract does not know ${name}.`);
  }
  const { width, height, values } = picture;
  core.FS.writeFile('/input', Buffer.concat([Buffer.from(`P5\n${width} ${height}\n255\n`), values]));
  if (api.SetImageFile(UPRIGHT, 0) !== 0 || api.Recognize(null) !== 0) {
    throw new Error('Tesseract could not read the picture.');
  }
  const { blocks } = page.parse(JSON.parse(api.GetJSONText()));
  const lines = blocks.flatMap(({ paragraphs }) => paragraphs.flatMap((paragraph) => paragraph.lines));
  return { lines: lines.map(({ words }) => words), confidence: api.MeanTextConf() };
}

const LSTM_ONLY = 1;
/** EXIF's number. */
const UPRIGHT = 1;
/** Words of a language are no help with identifiers. These can be set at the start only. */
const CONFIGURATION = 'load_system_dawg 0\nload_freq_dawg 0\n';
const VARIABLES = {
  // One block of lines: code is not set in columns.
  tessedit_pageseg_mode: '6',
  // Code and terminals do not contain these; instead of them Tesseract takes plain quotes, hyphens and so on.
  tessedit_char_blacklist: '“”‘’„‚«»‹›—–®©™€£¥§°•',
  user_defined_dpi: '150',
  // The picture has dark text on white already.
  tessedit_do_invert: '0',
};

function languageData(language: string, { folder, languageFolder }: TesseractOptions): Uint8Array {
  const places = [languageFolder, folder].filter(Boolean);
  const files = places.flatMap((place) => ['', '.gz'].map((end) => join(place, `${language}.traineddata${end}`)));
  const file = files.find((path) => existsSync(path));
  if (!file) throw new Error(`There is no ${language}.traineddata or ${language}.traineddata.gz in ${places[0]}.`);
  const data = readFileSync(file);
  return file.endsWith('.gz') ? gunzipSync(data) : data;
}
