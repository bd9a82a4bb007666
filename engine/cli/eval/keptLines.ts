import { readFile, writeFile } from 'node:fs/promises';
import type * as z from 'zod';
import { BadRequest, errorMessage } from '../../errors.ts';

/**
 * The JSON lines of a file that an earlier run wrote; none where there is no file. A part of a line that a killed run has
 * left is removed. Rejects with BadRequest for lines of another kind, and for lines of other settings.
 */
export async function readKeptLines<Settings, Line extends { readonly settings: Settings }>(
  file: string,
  schema: z.ZodType<Line>,
  settings: Settings,
  describe: (settings: Settings) => string,
): Promise<Line[]> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw new BadRequest(`${file} cannot be read (${errorMessage(error)}).`);
  });
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  const lines = whole.split('\n').slice(0, -1);
  const kept = lines.map((line, i) => {
    const parsed = schema.safeParse(jsonOf(line));
    if (!parsed.success) throw new BadRequest(`${file}: line ${i + 1} is not a completion of this program.`);
    const [theirs, ours] = [parsed.data.settings, settings].map(describe);
    if (theirs !== ours) {
      throw new BadRequest(`${file} has completions of ${theirs}, not of ${ours}; name another file.`);
    }
    return parsed.data;
  });
  if (whole !== text) await writeFile(file, whole);
  return kept;
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    return undefined;
  }
}
