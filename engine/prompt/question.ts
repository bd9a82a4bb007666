import { BadModel, BadRequest } from '../errors.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { chatAroundGap, encodeLongText } from './encodeText.ts';
import { type FittedFile, fitFiles, type SourceFile } from './files.ts';

/** Less of the files would tell nothing. */
const LEAST_FILE_TOKENS = 64;

export interface QuestionPrompt {
  readonly ids: number[];
  /** What of each file stands in it. */
  readonly files: FittedFile[];
}

/**
 * A chat with a question about files in at most `tokens` tokens: the files first, so that another question about them
 * finds them in the KV cache. `pause` lets other work go on. Rejects with BadModel without a chat template, and with
 * BadRequest where the question alone fills the window.
 */
export async function questionPrompt(
  question: string,
  files: readonly SourceFile[],
  tokens: number,
  tokenizer: Tokenizer,
  pause: () => Promise<unknown>,
): Promise<QuestionPrompt> {
  if (!tokenizer.hasChatTemplate) throw new BadModel('This model has no chat template, so it cannot be asked.');
  const intro = files.length > 0 ? 'These are files that the question is about.\n' : '';
  const { head, tail } = chatAroundGap(tokenizer, intro, question);
  const room = tokens - head.length - tail.length;
  if (room < (files.length > 0 ? LEAST_FILE_TOKENS : 0)) {
    throw new BadRequest(`The question does not fit into the ${tokens} tokens that are left for it and the files.`);
  }
  const fitted = await fitFiles(files, room, (text, most) => encodeLongText(tokenizer, text, most, pause));
  return { ids: [...head, ...fitted.ids, ...tail], files: fitted.files };
}
