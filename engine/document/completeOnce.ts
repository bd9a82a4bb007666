import { completeAt, type CompletionEngine, type CompletionRequest } from '../completion/completeAt.ts';
import type { CompleteResult } from '../wire/protocol.ts';
import { type CompletingModel, completionModel } from './completionModel.ts';

/** Completes text of a document that is not kept open, so nothing of it is prefilled. Rejects as `completeAt` does. */
export async function completeOnce(
  model: CompletingModel,
  engine: Pick<CompletionEngine, 'generate' | 'syntax'>,
  request: CompletionRequest,
  signal: AbortSignal,
): Promise<CompleteResult> {
  return completeAt(request, { ...completionModel(model), ...engine }, signal);
}
