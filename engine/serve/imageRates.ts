import type { PrefillSpeed } from '../document/prefillSpeed.ts';
import { PRIORITY } from '../inference/scheduler.ts';
import type { Rates } from '../vision/imageCosts.ts';
import type { ServedModel } from './sharedModel.ts';

/** Tokens of the prompts that are timed where nothing is known: the first one only fills caches and compiles kernels. */
const WARM_UP_TOKENS = 8;
const TIMED_TOKENS = 64;

/**
 * How fast a model sees pictures on this machine: from the crops and prompts that it has computed; for what it has not,
 * from a short prompt that is timed, and the multiplications of a crop beside those of a token. null for a model that
 * sees none. Rejects as a session does.
 */
export async function imageRates(
  { model, speed }: { readonly model: ServedModel; readonly speed: PrefillSpeed },
  signal: AbortSignal,
): Promise<Rates | null> {
  const { images } = model;
  if (!images) return null;
  if (speed.tokensPerSecond === 0) await measure(model, speed, signal);
  const { tokensPerSecond } = speed;
  return { tokensPerSecond, secondsPerCrop: images.secondsPerCrop ?? images.tokensPerCrop / tokensPerSecond };
}

async function measure(model: ServedModel, speed: PrefillSpeed, signal: AbortSignal): Promise<void> {
  for (const tokens of [WARM_UP_TOKENS, TIMED_TOKENS]) {
    const session = model.createSession(PRIORITY.chat);
    const started = performance.now();
    try {
      // No prompt begins like this, so that nothing of it is cached.
      const ids = Int32Array.from({ length: tokens }, (_, i) => (tokens + i) % model.config.vocabSize);
      await session.prefill({ ids, images: [] }, { signal });
    } finally {
      await session.dispose();
    }
    speed.add(tokens, performance.now() - started);
  }
}
