import { BadModel, Cancelled } from '../errors.ts';
import { textPrompt } from '../prompt/prompt.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { ModelSession } from './modelSession.ts';
import { logSumExp } from './sampler.ts';
import { PRIORITY, type Priority } from './scheduler.ts';

interface Scorer {
  readonly tokenizer: Pick<Tokenizer, 'encode'> | null;
  readonly info: { readonly name: string };
  createSession(priority: Priority): Pick<ModelSession, 'run' | 'dispose'>;
}

export interface LikelihoodRequest {
  readonly text: string;
  readonly beginnings: readonly string[];
  /** No further beginning is computed after this time, which includes waiting for other requests. */
  readonly milliseconds?: number;
}

/**
 * The mean log-probability per token, in nats, of a text behind each of several beginnings: how well it goes with them.
 * The beginnings for which there was no time are missing at the end. All requests of completions and chats go first.
 * Rejects with BadModel where the model has no tokenizer, with BadRequest where it does not fit into the context, and with
 * Cancelled within one step after the signal. Reference: query likelihood, Ponte and Croft 1998; by language models, Sachan
 * et al. 2022.
 */
export async function likelihoods(
  model: Scorer,
  { text, beginnings, milliseconds }: LikelihoodRequest,
  signal: AbortSignal,
): Promise<number[]> {
  const { tokenizer, info } = model;
  if (!tokenizer) throw new BadModel(`${info.name} has no tokenizer, so it cannot process text.`);
  const either = milliseconds === undefined ? signal : AbortSignal.any([signal, AbortSignal.timeout(milliseconds)]);
  const ids = tokenizer.encode(text);
  const session = model.createSession(PRIORITY.background);
  const found: number[] = [];
  try {
    for (const beginning of beginnings) {
      const prompt = textPrompt([...tokenizer.encode(beginning, { bos: true }), ...ids]);
      // The token before the text predicts its first one; its last token predicts nothing that is asked for.
      const { values } = await session.run(prompt, { output: 'logits', last: ids.length + 1, signal: either });
      found.push(meanLogProbability(values, ids));
    }
  } catch (error) {
    if (signal.aborted || !(error instanceof Cancelled)) throw error;
  } finally {
    await session.dispose();
  }
  return found;
}

/** logits: (tokens + 1, vocabulary), of which row i predicts token i. */
function meanLogProbability(logits: Float32Array, ids: readonly number[]): number {
  const width = logits.length / (ids.length + 1);
  const sum = ids.reduce((total, id, i) => {
    const row = logits.subarray(i * width, (i + 1) * width);
    return total + row[id]! - logSumExp(row);
  }, 0);
  return sum / ids.length;
}
