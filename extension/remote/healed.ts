/** Token healing without the tokenizer of the server's model (engine/tokenizer/healing.ts says what it is for). */
import type { OpenAI } from 'openai';

/** What a server has written since the last piece: some tokens, with the sum of their log-probabilities. */
export interface Piece {
  readonly text: string;
  readonly logprob: number;
  readonly finish: string | null;
  readonly usage: OpenAI.CompletionUsage | null | undefined;
}

/**
 * The end of a text that most tokenizers join with what follows: a space, or a word that may not be complete, with the
 * space before it.
 */
const OPEN_END = /(?: ?[A-Za-z_]+| )$/;

/**
 * Asks for what follows a text. Its open end is not sent: the model writes that again, and it is left out of the pieces.
 * Where the model would write something else, the whole text is sent after all.
 */
export async function* healed(text: string, ask: (text: string) => AsyncIterable<Piece>): AsyncIterable<Piece> {
  const removed = OPEN_END.exec(text)?.[0] ?? '';
  let rest = removed;
  for await (const piece of ask(text.slice(0, text.length - removed.length))) {
    if (rest === '') yield piece;
    else if (piece.text.startsWith(rest)) {
      yield { ...piece, text: piece.text.slice(rest.length) };
      rest = '';
    } else if (rest.startsWith(piece.text) && piece.finish === null) rest = rest.slice(piece.text.length);
    else break;
  }
  if (rest !== '') yield* ask(text);
}
