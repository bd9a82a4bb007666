import type { CompletionRequest } from '../../../engine/completion/completeAt.ts';
import { completeInDocument } from '../../../engine/document/completeInDocument.ts';
import { completeOnce } from '../../../engine/document/completeOnce.ts';
import type { CompletingModel } from '../../../engine/document/completionModel.ts';
import { DocumentSession } from '../../../engine/document/documentSession.ts';
import { PrefillSpeed } from '../../../engine/document/prefillSpeed.ts';
import type { GenerationStats } from '../../../engine/inference/generationTypes.ts';
import type { Priority } from '../../../engine/inference/scheduler.ts';
import type { LoadedModel } from '../../../engine/load/loadedModel.ts';
import { textPrompt } from '../../../engine/prompt/prompt.ts';
import type { ModelSession } from '../../../engine/inference/modelSession.ts';
import type { Tokenizer } from '../../../engine/tokenizer/tokenizer.ts';

export type Counts = Pick<GenerationStats, 'tokensPrefilled' | 'tokensReused'>;

/** Answers the keys of one file. */
export interface Layout {
  answer(key: CompletionRequest): Promise<Counts>;
  /** The pause before another edit. Gives the number of tokens that were computed meanwhile. */
  pause(): Promise<number>;
  dispose(): Promise<void>;
}

export interface EditedModel extends CompletingModel {
  readonly tokenizer: Tokenizer;
  createSession: LoadedModel['createSession'];
}

export const LAYOUTS: Record<string, (model: EditedModel, signal: AbortSignal) => Layout> = {
  'whole file, stable parts': wholeFile,
  'short window': shortWindow,
  'whole file, naive': naive,
};

/** The product's layout. The user pauses between edits for as long as prefilling the whole file takes. */
function wholeFile(model: EditedModel, signal: AbortSignal): Layout {
  let computed = 0;
  const createSession = (priority?: Priority): ModelSession => {
    const session = model.createSession(priority);
    return {
      generate: session.generate,
      prefill: async (tokens, options) => {
        const result = await session.prefill(tokens, options);
        computed += result.computed;
        return result;
      },
      run: session.run.bind(session),
      tokens: session.tokens,
      saveToDisk: async () => false,
      dispose: () => session.dispose(),
    };
  };
  const document = new DocumentSession({ createSession }, new PrefillSpeed());
  return {
    answer: (key) => completeInDocument(model, document, key, signal),
    pause: async () => {
      const before = computed;
      await document.backgroundPrefill.runNow();
      return computed - before;
    },
    dispose: () => document.dispose(),
  };
}

/** The product's layout for a file of which nothing has been prefilled yet. */
function shortWindow(model: EditedModel, signal: AbortSignal): Layout {
  const session = model.createSession();
  return {
    answer: (key) => completeOnce(model, session, key, signal),
    pause: async () => 0,
    dispose: () => session.dispose(),
  };
}

/** For every key, the whole text before the cursor, then the whole text after it. */
function naive({ tokenizer, createSession }: EditedModel, signal: AbortSignal): Layout {
  const session = createSession();
  return {
    answer: async ({ fileName, prefix, suffix }) => {
      const content = `Complete the file ${fileName}.\n<before>\n${prefix}\n</before>\n<after>\n${suffix}\n</after>`;
      const prompt = tokenizer.chat([{ role: 'user', content }], { addGenerationPrompt: true });
      const generation = session.generate(textPrompt(prompt), { maxTokens: 1, stopIds: new Set(), signal });
      await generation[Symbol.asyncIterator]().next();
      return generation.stats;
    },
    pause: async () => 0,
    dispose: () => session.dispose(),
  };
}
