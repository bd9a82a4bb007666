import type { Generate, Generation } from '../generation.ts';
import {
  buildCompletionPrompt,
  type CompletionModel,
  type CompletionPrompt,
  promptBudget,
} from '../prompt/complete.ts';
import type { CompleteParams, CompleteResult } from '../protocol.ts';
import { TextStream } from '../tokenizer/textStream.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { cleanCompletion, isComplete } from './clean.ts';
import { Confidence } from './confidence.ts';
import { type Cursor, cursorAt } from './cursor.ts';
import { type LineMode, lineMode } from './lineMode.ts';

export interface CompletionEngine {
  readonly tokenizer: Tokenizer;
  readonly generate: Generate;
  readonly model: CompletionModel;
}

/** New tokens take at most this part of a model's context. */
const LARGEST_SHARE_FOR_ANSWER = 1 / 4;

/**
 * The completion at the cursor, greedy; text with `\n` line ends, empty where there is nothing worth showing. Rejects
 * with what `generate` rejects with (Cancelled after `signal`), and BadRequest where the context is too small.
 */
export async function completeAt(
  request: Omit<CompleteParams, 'modelId' | 'sessionId'>,
  engine: CompletionEngine,
  signal: AbortSignal,
): Promise<CompleteResult> {
  const { tokenizer, model } = engine;
  const cursor = cursorAt(request);
  const mode = lineMode(cursor, request.multiline);
  if (mode === 'none') return NOTHING;
  const maxTokens = Math.min(request.maxTokens, Math.floor(model.contextLength * LARGEST_SHARE_FOR_ANSWER));
  const prompt = buildCompletionPrompt(cursor, tokenizer, model, promptBudget(model.contextLength, maxTokens));
  const generation = engine.generate(prompt.ids, {
    maxTokens: maxTokens + prompt.removedTokens,
    stopIds: prompt.stopIds,
    signal,
    ...(prompt.constraint ? { constraint: prompt.constraint } : {}),
  });
  const draft = await write(generation, prompt, tokenizer, cursor, mode);
  const { stop, ...figures } = generation.stats;
  const text = cleanCompletion(draft, cursor, {
    mode,
    instruct: prompt.kind === 'instruct',
    cutOff: stop === 'length',
  });
  return { text, ...figures, stop: stop ?? 'text' };
}

const NOTHING: CompleteResult = {
  text: '',
  tokensReused: 0,
  tokensPrefilled: 0,
  tokensGenerated: 0,
  stop: 'text',
  prefillMs: 0,
  decodeMs: 0,
};

/** Takes tokens until the text is complete, or not worth completing. */
async function write(
  generation: Generation,
  prompt: CompletionPrompt,
  tokenizer: Tokenizer,
  cursor: Cursor,
  mode: LineMode,
): Promise<string> {
  const dropLeadingSpace = tokenizer.addsLeadingSpace && tokenizer.specialIds.has(prompt.ids.at(-1) ?? -1);
  const stream = new TextStream(tokenizer, { skipBytes: prompt.removedBytes, dropLeadingSpace });
  const confidence = new Confidence();
  let text = '';
  let forced = prompt.constraint?.active ?? false;
  for await (const { id, logprob } of generation) {
    const line = text.split('\n').length - 1;
    text += stream.push(id);
    if (!forced && !confidence.add(line, logprob)) break;
    forced = prompt.constraint?.active ?? false;
    if (isComplete(text, cursor, mode)) break;
  }
  return confidence.sureLines(text);
}
