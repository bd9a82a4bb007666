import type { CompletionEngine } from '../completion/completeAt.ts';
import { BadModel } from '../errors.ts';
import type { LoadedModel } from '../load/loadedModel.ts';
import type { CompletionModel } from '../prompt/budget.ts';

/** The properties of a loaded model that completions need. */
export type CompletingModel = Pick<LoadedModel, 'tokenizer' | 'info' | 'config' | 'parameters'>;

/** Describes a loaded model to the rules of completion. Throws BadModel where it has no tokenizer. */
export function completionModel(loaded: CompletingModel): Omit<CompletionEngine, 'generate'> {
  const { tokenizer, info, config, parameters } = loaded;
  if (!tokenizer) throw new BadModel(`${info.name} has no tokenizer.json, so it cannot complete text.`);
  const { fimOrder, completionPrompt, longRope, originalMaxPositions } = config;
  const model: CompletionModel = {
    name: info.name,
    contextLength: info.contextLength,
    parameters,
    fimOrder,
    ...(completionPrompt ? { completionPrompt } : {}),
    ...(longRope ? { shortLength: originalMaxPositions } : {}),
    ...('windows' in config ? { attentionWindow: Math.max(...(config.windows as number[])) } : {}),
  };
  return { tokenizer, model };
}
