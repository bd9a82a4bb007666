import { completeAt } from './completion/complete.ts';
import { BadModel } from './errors.ts';
import type { Generate } from './generation.ts';
import type { LoadedModel } from './load.ts';
import type { CompleteParams, CompleteResult } from './protocol.ts';

/** completeAt on a loaded model. Rejects with BadModel for a folder without a tokenizer. */
export async function completeWith(
  model: LoadedModel,
  generate: Generate,
  params: Omit<CompleteParams, 'modelId' | 'sessionId'>,
  signal: AbortSignal,
): Promise<CompleteResult> {
  const { tokenizer, info, config } = model;
  if (!tokenizer) throw new BadModel(`${info.name} has no tokenizer.json, so it cannot complete text.`);
  const { contextLength } = info;
  return completeAt(params, { tokenizer, generate, model: { contextLength, fimOrder: config.fimOrder } }, signal);
}
