import { open } from 'node:fs/promises';
import { BadRequest } from '../errors.ts';

/** Far more than the tokens that are used. */
const MOST_BYTES = 64e6;
/** Tokens of a window, which the model sees without what stands before it. */
const WINDOW = 512;
/** More windows changed the importance of a column by less than a percent. */
const MOST_WINDOWS = 16;
/** Fewer tokens say too little about which inputs are large. */
const LEAST_TOKENS = 256;

/**
 * The content of a calibration file, which has to be UTF-8 text. Rejects with BadRequest, in one sentence, where it
 * cannot be read, is empty, binary, or larger than MOST_BYTES.
 */
export async function readCalibrationText(path: string): Promise<string> {
  const bytes = await readAtMost(path, MOST_BYTES);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new BadRequest(`${path} is not UTF-8 text, which a calibration file has to be.`);
  }
  if (text.includes('\0')) throw new BadRequest(`${path} is a binary file, but a calibration file has to be text.`);
  if (text.trim() === '') throw new BadRequest(`${path} contains no text to calibrate with.`);
  return text;
}

async function readAtMost(path: string, most: number): Promise<Uint8Array> {
  try {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      if (size > most) {
        throw new BadRequest(
          `${path} has ${Math.round(size / 1e6)} MB; a calibration file may have ${most / 1e6} MB, of which ${WINDOW * MOST_WINDOWS} tokens are used.`,
        );
      }
      return await file.readFile();
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof BadRequest) throw error;
    throw new BadRequest(`${path} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
  }
}

/** Windows of tokens of at most `longest`, spread evenly over the text. Throws BadRequest where it is too short. */
export function calibrationWindows(ids: readonly number[], longest: number): number[][] {
  if (ids.length < LEAST_TOKENS) {
    throw new BadRequest(
      `The calibration text has ${ids.length} tokens; at least ${LEAST_TOKENS} are needed to tell which weights matter.`,
    );
  }
  const length = Math.min(WINDOW, longest, ids.length);
  const count = Math.min(MOST_WINDOWS, Math.floor(ids.length / length));
  const last = ids.length - length;
  return Array.from({ length: count }, (_, i) => {
    const from = count === 1 ? 0 : Math.round((i * last) / (count - 1));
    return ids.slice(from, from + length);
  });
}
