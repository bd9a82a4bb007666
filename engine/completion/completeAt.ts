import type { Generate, Generation } from '../inference/generationTypes.ts';
import { type CompletionModel, NEIGHBOURHOOD, promptBudget, windowLength } from '../prompt/budget.ts';
import { buildCompletionPrompt, type CompletionPrompt, promptKind } from '../prompt/completionPrompt.ts';
import type { FileSnapshot } from '../prompt/fileSnapshot.ts';
import type { CompleteParams, CompleteResult } from '../wire/protocol.ts';
import { TextStream } from '../tokenizer/textStream.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { cleanCompletion, isComplete } from './clean.ts';
import { Confidence } from './confidence.ts';
import { type Cursor, cursorAt } from './cursor.ts';
import { type LineMode, lineMode } from './lineMode.ts';
import { textPrompt } from '../prompt/prompt.ts';

export interface CompletionEngine {
  readonly tokenizer: Tokenizer;
  readonly generate: Generate;
  readonly model: CompletionModel;
  /** Prompt tokens that are computed quickly enough for one who waits; the usual number where absent. */
  readonly affordable?: number;
  /** Of the request's file, its ids in the KV cache: the prompt begins with it. */
  readonly snapshot?: FileSnapshot | undefined;
}

export type CompletionRequest = Omit<CompleteParams, 'modelId' | 'sessionId'>;

/** New tokens take at most this part of a model's context. */
const LARGEST_SHARE_FOR_ANSWER = 1 / 4;

/**
 * The completion at the cursor, greedy; text with `\n` line ends, empty where there is nothing worth showing. Rejects
 * with what `generate` rejects with (Cancelled after `signal`), and BadRequest where the context is too small.
 */
export async function completeAt(
  request: CompletionRequest,
  engine: CompletionEngine,
  signal: AbortSignal,
): Promise<CompleteResult> {
  const cursor = cursorAt(request);
  const mode = lineMode(cursor, request.multiline);
  if (mode === 'none') return NOTHING;
  const prompt = promptAt(cursor, request.maxTokens, engine);
  const generation = engine.generate(textPrompt(prompt.ids), {
    maxTokens: answerTokens(request.maxTokens, engine.model) + prompt.removedTokens,
    stopIds: prompt.stopIds,
    signal,
    ...(prompt.constraint ? { constraint: prompt.constraint } : {}),
  });
  const draft = await write(generation, prompt, engine.tokenizer, cursor, mode);
  const { stop, ...figures } = generation.stats;
  const text = cleanCompletion(draft, cursor, {
    mode,
    instruct: prompt.kind === 'instruct',
    cutOff: stop === 'length',
  });
  return { text, ...figures, stop: stop ?? 'text', window: windowOf(prompt, request) };
}

/** The prompt that completeAt gives the model. Throws BadRequest where the context is too small. */
export function promptAt(
  cursor: Pick<Cursor, 'fileName' | 'languageId' | 'prefix' | 'suffix'>,
  maxTokens: number,
  { tokenizer, model, affordable = 0, snapshot }: Omit<CompletionEngine, 'generate'>,
): CompletionPrompt {
  if (snapshot) return buildCompletionPrompt(cursor, tokenizer, model, NEIGHBOURHOOD, snapshot);
  // Chat models have snapshots for what is further away.
  const most = promptKind(tokenizer, model) === 'instruct' ? 0 : affordable;
  const budget = promptBudget(windowLength(model), answerTokens(maxTokens, model), most);
  return buildCompletionPrompt(cursor, tokenizer, model, budget);
}

export function answerTokens(maxTokens: number, { contextLength }: CompletionModel): number {
  return Math.min(maxTokens, Math.floor(contextLength * LARGEST_SHARE_FOR_ANSWER));
}

/** In lines of the document, of which the request may hold a part. */
function windowOf(
  { lines, totalLines }: CompletionPrompt,
  { linesBefore = 0, linesAfter = 0 }: CompletionRequest,
): CompleteResult['window'] {
  return {
    lines: lines.map(([first, last]) => [first + linesBefore, last + linesBefore]),
    totalLines: linesBefore + totalLines + linesAfter,
  };
}

const NOTHING: CompleteResult = {
  text: '',
  tokensReused: 0,
  tokensPrefilled: 0,
  tokensGenerated: 0,
  stop: 'text',
  prefillMs: 0,
  decodeMs: 0,
  window: { lines: [], totalLines: 0 },
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
