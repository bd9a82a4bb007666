import type { CompletionEngine } from '../completion/completeAt.ts';
import { BadModel } from '../errors.ts';
import type { LoadedModel } from '../load/loadedModel.ts';
import type { CompletionModel } from '../prompt/budget.ts';

/** The properties of a loaded model that completions need. */
export type CompletingModel = Pick<LoadedModel, 'tokenizer' | 'info' | 'config'>;

/** Describes a loaded model to the rules of completion. Throws BadModel where it has no tokenizer. */
export function completionModel({ tokenizer, info, config }: CompletingModel): Omit<CompletionEngine, 'generate'> {
  if (!tokenizer) throw new BadModel(`${info.name} has no tokenizer.json, so it cannot complete text.`);
  const { fimOrder, longRope, originalMaxPositions } = config;
  const model: CompletionModel = {
    name: info.name,
    contextLength: info.contextLength,
    fimOrder,
    ...(longRope ? { shortLength: originalMaxPositions } : {}),
    ...('windows' in config ? { attentionWindow: Math.max(...(config.windows as number[])) } : {}),
  };
  return { tokenizer, model };
}
