import { OutOfMemory } from '../../kernels/ops.ts';
import {
  answerTokens,
  completeAt,
  type CompletionEngine,
  type CompletionRequest,
  promptAt,
} from '../completion/complete.ts';
import { cursorAt } from '../completion/cursor.ts';
import type { DocumentSession } from './documentSession.ts';
import { BadModel } from '../errors.ts';
import { type FileReader, letOthersGo, type ReadingPlan } from './backgroundPrefill.ts';
import type { Generate } from '../inference/generationTypes.ts';
import type { LoadedModel } from '../load/loadedModel.ts';
import { type CompletionModel, snapshotTokens } from '../prompt/budget.ts';
import { promptKind } from '../prompt/complete.ts';
import { encodeLongText } from '../prompt/encodeText.ts';
import { rangesLeftOut } from '../prompt/lines.ts';
import { textPrompt } from '../prompt/prompt.ts';
import { ageOf, takeSnapshot } from '../prompt/fileSnapshot.ts';
import type { CompleteResult } from '../wire/protocol.ts';

/** What of a loaded model a completion needs. */
export type CompletingModel = Pick<LoadedModel, 'tokenizer' | 'info' | 'config'>;

/** Windows are computed anew when they jump, while the user waits. */
const SECONDS_TO_WAIT = 0.5;
/** A part of a file is read again where so many times as much of it may be read. */
const MUCH_MORE = 2;

/** completeAt on a loaded model. Rejects with BadModel for a folder without a tokenizer. */
export async function completeWith(
  model: CompletingModel,
  generate: Generate,
  request: CompletionRequest,
  signal: AbortSignal,
): Promise<CompleteResult> {
  return completeAt(request, { ...completionModel(model), generate }, signal);
}

/** completeWith in an open document, whose file is read on in the pauses between its completions. */
export async function completeInDocument(
  model: CompletingModel,
  { generate, reader }: Pick<DocumentSession, 'generate' | 'reader'>,
  request: CompletionRequest,
  signal: AbortSignal,
): Promise<CompleteResult> {
  const affordable = reader.speed.steadyTokensIn(SECONDS_TO_WAIT);
  const engine = { ...completionModel(model), generate, affordable };
  try {
    const result = await completeAt(request, { ...engine, snapshot: reader.snapshot }, signal).catch(
      async (error: unknown) => {
        // Short of memory, what was read ahead goes before other documents do.
        if (!(error instanceof OutOfMemory) || !(await reader.makeRoom())) throw error;
        return completeAt(request, engine, signal);
      },
    );
    reader.speed.add(result.tokensPrefilled, result.prefillMs);
    return result;
  } finally {
    // Also after a request that the next key cancelled.
    if (promptKind(engine.tokenizer, engine.model) === 'instruct')
      reader.later(() => planReading(request, engine, reader));
  }
}

function completionModel({ tokenizer, info, config }: CompletingModel): Omit<CompletionEngine, 'generate'> {
  if (!tokenizer) throw new BadModel(`${info.name} has no tokenizer.json, so it cannot complete text.`);
  const { fimOrder, longRope, originalMaxPositions } = config;
  const model: CompletionModel = {
    contextLength: info.contextLength,
    fimOrder,
    ...(longRope ? { shortLength: originalMaxPositions } : {}),
    ...('window' in config && typeof config.window === 'number' ? { attentionWindow: config.window } : {}),
  };
  return { tokenizer, model };
}

/** After `request`: its file, where the model is not told enough of it, or too much has changed since it was read. */
async function planReading(
  request: CompletionRequest,
  engine: Omit<CompletionEngine, 'generate'>,
  reader: FileReader,
): Promise<ReadingPlan | undefined> {
  const { tokenizer, model } = engine;
  const cursor = cursorAt(request);
  const maxTokens = answerTokens(request.maxTokens, model);
  const { snapshot: known, affordable } = reader;
  const { fresh, lines, totalLines } = promptAt(cursor, maxTokens, { ...engine, snapshot: known });
  const age = known && ageOf(known, cursor, fresh);
  const missing = rangesLeftOut(lines, totalLines).length > 0;
  const roomier = known && snapshotTokens(model, maxTokens, affordable) > MUCH_MORE * known.room;
  if (known ? age === 'new' && !(missing && roomier) : !missing) return undefined;
  if (age === 'useless') await reader.forget();
  const encode = (text: string, most: number) => encodeLongText(tokenizer, text, most, letOthersGo);
  const snapshot = await takeSnapshot(cursor, model, { maxTokens, affordable }, encode);
  return snapshot && { snapshot, prompt: textPrompt(promptAt(cursor, maxTokens, { ...engine, snapshot }).ids) };
}
