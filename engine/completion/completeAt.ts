import type { Generate, Generation } from '../inference/generationTypes.ts';
import type { Syntax } from '../syntax/findErrors.ts';
import { type CompletionModel, NEIGHBOURHOOD, promptBudget, usableContext } from '../prompt/budget.ts';
import {
  buildCompletionPrompt,
  type CompletionPrompt,
  type PromptKind,
  promptKind,
} from '../prompt/completionPrompt.ts';
import type { FileSnapshot } from '../prompt/fileSnapshot.ts';
import type { CompleteParams, CompleteResult, SeenLines } from '../wire/protocol.ts';
import { TextStream } from '../tokenizer/textStream.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { type Cleaned, cleanCompletion, isComplete } from './clean.ts';
import { Confidence, type WrittenToken } from './confidence.ts';
import { type Cursor, cursorAt } from './cursor.ts';
import { type LineMode, lineMode } from './lineMode.ts';
import { OtherBeginning } from './otherBeginning.ts';
import { textPrompt } from '../prompt/prompt.ts';

export interface CompletionEngine {
  readonly tokenizer: Tokenizer;
  readonly generate: Generate;
  readonly model: CompletionModel;
  /** Number of prompt tokens that prefill while a user waits; the usual number where absent. */
  readonly affordable?: number;
  /** A snapshot of the request's file whose ids are in the KV cache, so that the prompt begins with it. */
  readonly snapshot?: FileSnapshot | undefined;
  /** Finds errors of syntax, so that no completion adds one; only brackets are checked where absent. */
  readonly syntax?: Syntax | undefined;
  /** A line is shown as far as it has this probability; the usual one where absent. */
  readonly leastProbability?: number;
  /** Called with each token before it is judged. */
  readonly onToken?: (token: WrittenToken) => void;
}

export type CompletionRequest = Omit<CompleteParams, 'modelId' | 'sessionId'>;

/**
 * A line is shown as far as it has this probability. Higher ones show less, of which more is right; the starter model (fim)
 * then completes fewer beginnings of lines than people expect. Of what SmolLM2 (base) shows with 0.2, most is kept. No other
 * model was measured (test/bench/FIGURES.md).
 */
const LEAST_PROBABILITY: Readonly<Record<PromptKind, number>> = { fim: 0.1, instruct: 0.05, base: 0.2 };
const LEAST_BY_HAND = 0.02;
/** New tokens take at most this share of a model's context. */
const LARGEST_SHARE_FOR_ANSWER = 1 / 4;

/**
 * Completes at the cursor with greedy decoding; alternatives begin with the next likely tokens. Texts have `\n` line
 * ends, and the first is empty where nothing is worth showing.
 * Rejects with what `generate` rejects with (Cancelled after `signal`), and BadRequest where the context is too small.
 */
export async function completeAt(
  request: CompletionRequest,
  engine: CompletionEngine,
  signal: AbortSignal,
): Promise<CompleteResult> {
  const cursor = cursorAt(request);
  const mode = lineMode(cursor, writesBlocks(engine) ? request.multiline : 'never');
  if (mode === 'none' || isUnwanted(cursor, request)) return NOTHING;
  const findErrors = await engine.syntax?.finderFor(request.languageId);
  const beginnings: string[] = [];
  const prompt = promptAt(cursor, request.maxTokens, engine);
  const nextCandidate = async (leastProbability: number) => {
    const constraint =
      beginnings.length > 0 ? new OtherBeginning(engine.tokenizer, beginnings, prompt) : prompt.newConstraint?.();
    const generation = engine.generate(textPrompt(prompt.ids), {
      maxTokens: answerTokens(request.maxTokens, engine.model) + prompt.removedTokens,
      stopIds: prompt.stopIds,
      signal,
      ...(constraint ? { constraint } : {}),
    });
    const { generated, unsure, beginning } = await generateText(generation, prompt, cursor, mode, {
      ...engine,
      leastProbability,
    });
    const instruct = prompt.kind === 'instruct';
    const cutOff = generation.stats.stop === 'length';
    const { text } = cleanCompletion(generated, cursor, { mode, instruct, cutOff, unsure, findErrors });
    return { text, beginning, stats: generation.stats };
  };
  let first = await nextCandidate(engine.leastProbability ?? LEAST_PROBABILITY[prompt.kind]);
  // A guess is better than nothing for who asks by hand.
  if (request.alternatives && first.text === '') first = await nextCandidate(LEAST_BY_HAND);
  const { text, stats } = first;
  const alternatives = new Set<string>();
  for (let { beginning } = first; beginning !== '' && beginnings.length < (request.alternatives ?? 0);) {
    beginnings.push(beginning);
    const other = await nextCandidate(LEAST_BY_HAND);
    alternatives.add(other.text);
    beginning = other.beginning;
  }
  const { stop, ...figures } = stats;
  const others = [...alternatives].filter((other) => other !== '' && other !== text);
  return {
    text,
    ...(request.alternatives ? { alternatives: others } : {}),
    ...figures,
    stop: stop ?? 'text',
    seen: seenLines(prompt, request),
  };
}

/** A small chat model begins the same block again and again, and takes long. */
function writesBlocks({ tokenizer, model }: CompletionEngine): boolean {
  return !tokenizer.isChatModel || promptKind(tokenizer, model) !== 'base';
}

function isUnwanted({ openString, inComment }: Cursor, { notIn = [] }: CompletionRequest): boolean {
  return (inComment && notIn.includes('comments')) || (openString !== undefined && notIn.includes('strings'));
}

/** What the user would see if the model wrote `text` and ended there, or was `unsure` of what follows. */
export async function shownText(
  text: string,
  request: Omit<CompletionRequest, 'maxTokens'>,
  syntax: Syntax,
  unsure = false,
): Promise<Cleaned> {
  const cursor = cursorAt(request);
  const mode = lineMode(cursor, request.multiline);
  if (mode === 'none') return { text: '', why: 'nothing is completed at such a place' };
  const findErrors = await syntax.finderFor(request.languageId);
  return cleanCompletion(text.replaceAll('\r\n', '\n'), cursor, {
    ...{ mode, instruct: false, cutOff: false },
    ...{ unsure, findErrors },
  });
}

/** Builds the prompt of completeAt. Throws BadRequest where the context is too small. */
export function promptAt(
  cursor: Pick<Cursor, 'fileName' | 'languageId' | 'prefix' | 'suffix' | 'otherFiles'>,
  maxTokens: number,
  { tokenizer, model, affordable = 0, snapshot }: Omit<CompletionEngine, 'generate'>,
): CompletionPrompt {
  if (snapshot) return buildCompletionPrompt(cursor, tokenizer, model, NEIGHBOURHOOD, snapshot);
  // Chat models see text further away in snapshots.
  const most = promptKind(tokenizer, model) === 'instruct' ? 0 : affordable;
  const budget = promptBudget(
    usableContext(model),
    answerTokens(maxTokens, model),
    most,
    (cursor.otherFiles ?? []).length > 0,
  );
  return buildCompletionPrompt(cursor, tokenizer, model, budget);
}

export function answerTokens(maxTokens: number, { contextLength }: CompletionModel): number {
  return Math.min(maxTokens, Math.floor(contextLength * LARGEST_SHARE_FOR_ANSWER));
}

/** Converts lines of the request to lines of the document, of which the request may contain a part. */
function seenLines(
  { lines, totalLines }: CompletionPrompt,
  { linesBefore = 0, linesAfter = 0 }: CompletionRequest,
): SeenLines {
  return {
    lines: lines.map(([first, last]) => [first + linesBefore, last + linesBefore]),
    totalLines: linesBefore + totalLines + linesAfter,
  };
}

/** Where the model was not asked. */
export const NOTHING: CompleteResult = {
  text: '',
  tokensReused: 0,
  tokensPrefilled: 0,
  tokensGenerated: 0,
  stop: 'text',
  prefillMs: 0,
  decodeMs: 0,
  seen: { lines: [], totalLines: 0 },
};

/** Generates until the text is complete, or until the model is too unsure; gives what its first token added, too. */
async function generateText(
  generation: Generation,
  prompt: Pick<CompletionPrompt, 'kind' | 'ids' | 'removedBytes'>,
  cursor: Cursor,
  mode: LineMode,
  { tokenizer, leastProbability, onToken }: CompletionEngine & { leastProbability: number },
): Promise<{ generated: string; unsure: boolean; beginning: string }> {
  const dropLeadingSpace =
    prompt.kind !== 'fim' && tokenizer.leadingSpace === 'always' && tokenizer.specialIds.has(prompt.ids.at(-1) ?? -1);
  const stream = new TextStream(tokenizer, { skipBytes: prompt.removedBytes, dropLeadingSpace });
  const confidence = new Confidence(leastProbability);
  let text = '';
  let beginning = '';
  for await (const { id, logprob } of generation) {
    const added = stream.push(id);
    text += added;
    beginning ||= text;
    onToken?.({ text: added, logprob });
    if (!confidence.add({ text: added, logprob }) || isComplete(text, cursor, mode)) break;
  }
  return { generated: confidence.sureText(), unsure: confidence.unsure, beginning };
}
