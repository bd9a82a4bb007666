/** The beginnings of lines of the first minute, and where in the sample project they are typed. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../../.ci/nodeBinary.mjs';

export interface Beginning {
  readonly file: string;
  /** The trimmed line behind which a new one is opened; `then`: behind the next line that is this one. */
  readonly after: string;
  readonly then?: string;
  readonly typed: string;
}

export const { beginnings: BEGINNINGS } = JSON.parse(
  readFileSync(join(root, 'test/fixtures/first-minute/beginnings.json'), 'utf8'),
) as { beginnings: readonly Beginning[] };

/** The number, from 0, of the line behind which a beginning is typed. */
export function lineBefore({ after, then }: Beginning, lines: readonly string[]): number {
  const at = lines.findIndex((line) => line.trim() === after);
  return then === undefined ? at : lines.findIndex((line, i) => i > at && line.trim() === then);
}
