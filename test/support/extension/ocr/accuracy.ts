/** How well the text of screenshots is read. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { readText } from '../../../../extension/ocr/readText.ts';
import { Renderer, type Screenshot } from './corpus.ts';

export interface Reading {
  readonly screenshot: Screenshot;
  readonly text: string;
  /** The edit distance from what the screenshot shows, leading blanks included. */
  readonly wrong: number;
  /** From the file to its text. */
  readonly seconds: number;
}

/** Draws screenshots in Chromium and reads their text with the built thread, one after the other. */
export async function* readScreenshots(screenshots: readonly Screenshot[]): AsyncGenerator<Reading> {
  const folder = mkdtempSync(join(tmpdir(), 'airgap-screenshots-'));
  const { signal } = new AbortController();
  await using renderer = await Renderer.start();
  try {
    for (const screenshot of screenshots) {
      const file = join(folder, 'screenshot.png');
      writeFileSync(file, await renderer.draw(screenshot));
      const start = performance.now();
      const { text } = await readText(file, { folder: resolve('dist'), signal });
      const seconds = (performance.now() - start) / 1000;
      yield { screenshot, text, wrong: editDistance(text, screenshot.source.text), seconds };
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The share of characters that are right, of all readings together: 1 - edit distance / length. */
export function shareRight(readings: readonly Reading[]): number {
  const length = sum(readings.map(({ screenshot }) => screenshot.source.text.length));
  return 1 - sum(readings.map(({ wrong }) => wrong)) / length;
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** How many characters have to be inserted, removed or replaced to make one text of the other (Levenshtein). */
export function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let k = 1; k <= b.length; k++) {
      const replaced = previous[k - 1]! + (a[i - 1] === b[k - 1] ? 0 : 1);
      row.push(Math.min(previous[k]! + 1, row[k - 1]! + 1, replaced));
    }
    previous = row;
  }
  return previous[b.length]!;
}
