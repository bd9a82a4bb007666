import { OutOfMemory } from '../../kernels/ops.ts';
import {
  answerTokens,
  completeAt,
  type CompletionEngine,
  type CompletionRequest,
  promptAt,
} from '../completion/completeAt.ts';
import { cursorAt } from '../completion/cursor.ts';
import { Cancelled } from '../errors.ts';
import { snapshotTokens } from '../prompt/budget.ts';
import { promptKind } from '../prompt/completionPrompt.ts';
import { encodeLongText } from '../prompt/encodeText.ts';
import { ageOf, takeSnapshot } from '../prompt/fileSnapshot.ts';
import { rangesLeftOut } from '../prompt/lines.ts';
import { textPrompt } from '../prompt/prompt.ts';
import type { Syntax } from '../syntax/findErrors.ts';
import type { CompleteResult } from '../wire/protocol.ts';
import { yieldToEventLoop } from '../inference/yieldToEventLoop.ts';
import type { BackgroundPrefill, PrefillPlan } from './backgroundPrefill.ts';
import { type CompletingModel, completionModel } from './completionModel.ts';
import type { DocumentSession } from './documentSession.ts';

/** Seconds that a user may wait for a prompt whose excerpt of the file has moved and must be computed again. */
const SECONDS_TO_WAIT = 0.5;
/** A slow model goes on when the cursor rests again, so that a glance at a file costs no more than this. */
const MOST_MS_AHEAD = 5000;
/** A snapshot of a part of a file is replaced once this many times as many tokens are affordable. */
const MUCH_MORE = 2;

/**
 * Completes in an open document, and prefills the document's file in the next pause. Rejects as `completeAt` does, and
 * with BadModel where the model has no tokenizer.
 */
export async function completeInDocument(
  model: CompletingModel,
  { generate, backgroundPrefill: background }: Pick<DocumentSession, 'generate' | 'backgroundPrefill'>,
  request: CompletionRequest,
  signal: AbortSignal,
  syntax?: Syntax,
): Promise<CompleteResult> {
  const affordable = background.speed.steadyTokensIn(SECONDS_TO_WAIT);
  const engine = { ...completionModel(model), generate, syntax, affordable };
  try {
    const result = await completeAt(request, { ...engine, snapshot: background.snapshot }, signal).catch(
      async (error: unknown) => {
        // When memory runs out, the file that was prefilled is dropped before the caches of other documents are.
        if (!(error instanceof OutOfMemory) || !(await background.makeRoom())) throw error;
        return completeAt(request, engine, signal);
      },
    );
    background.speed.add(result.tokensPrefilled, result.prefillMs);
    return result;
  } finally {
    // Also after a request that the next keystroke cancelled.
    if (promptKind(engine.tokenizer, engine.model) === 'instruct')
      background.schedule(() => planPrefill(request, engine, background));
  }
}

/**
 * Makes the cache hold the prompt of a completion that nobody waits for yet, as far as it gets. Resolves with the number of
 * tokens that were computed. Rejects with Cancelled after `signal`, otherwise as completeInDocument does.
 */
export async function prefillInDocument(
  model: CompletingModel,
  session: Pick<DocumentSession, 'prefill' | 'backgroundPrefill'>,
  request: CompletionRequest,
  signal: AbortSignal,
): Promise<number> {
  const { speed, snapshot } = session.backgroundPrefill;
  const engine = { ...completionModel(model), affordable: speed.steadyTokensIn(SECONDS_TO_WAIT), snapshot };
  const { ids } = promptAt(cursorAt(request), request.maxTokens, engine);
  const startedMs = performance.now();
  try {
    const either = AbortSignal.any([signal, AbortSignal.timeout(MOST_MS_AHEAD)]);
    const { computed } = await session.prefill(textPrompt(ids), either);
    speed.addInterrupted(computed, performance.now() - startedMs);
    return computed;
  } catch (error) {
    // The time is up, or there is no memory but what others use.
    if (!signal.aborted && (error instanceof Cancelled || error instanceof OutOfMemory)) return 0;
    throw error;
  }
}

/**
 * Plans what to prefill after `request`: the file as it is now. undefined where the prompt of the request shows all of
 * the file, or where the current snapshot is still good.
 */
async function planPrefill(
  request: CompletionRequest,
  engine: Omit<CompletionEngine, 'generate'>,
  background: BackgroundPrefill,
): Promise<PrefillPlan | undefined> {
  const { tokenizer, model } = engine;
  const cursor = cursorAt(request);
  const maxTokens = answerTokens(request.maxTokens, model);
  const { snapshot: known, affordable } = background;
  const { fresh, lines, totalLines } = promptAt(cursor, maxTokens, { ...engine, snapshot: known });
  const age = known && ageOf(known, cursor, fresh);
  const missing = rangesLeftOut(lines, totalLines).length > 0;
  const roomier = known && snapshotTokens(model, maxTokens, affordable) > MUCH_MORE * known.room;
  if (known ? age === 'new' && !(missing && roomier) : !missing) return undefined;
  if (age === 'useless') await background.drop();
  const encode = (text: string, most: number) => encodeLongText(tokenizer, text, most, yieldToEventLoop);
  const snapshot = await takeSnapshot(cursor, model, { maxTokens, affordable }, encode);
  return snapshot && { snapshot, prompt: textPrompt(promptAt(cursor, maxTokens, { ...engine, snapshot }).ids) };
}
