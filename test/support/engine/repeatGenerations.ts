import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { LoadedModel } from '../../../engine/load/loadedModel.ts';
import { textPrompt } from '../../../engine/prompt/prompt.ts';

/**
 * Generates a few tokens `count` times, each in a session of its own with another prompt, and says by how much
 * JavaScript's heap (after collection) and the backend's memory have grown over the second half: in the first V8 still
 * compiles what runs often, and keeps that in the heap.
 */
export async function repeatGenerations(
  model: LoadedModel,
  count: number,
): Promise<{ grownBytes: number; heldBytes: number }> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const state = async () => {
    collect();
    await setImmediate(); // What finalizers let go of goes with the second collection.
    collect();
    const { heapUsed, external } = process.memoryUsage();
    return { heap: heapUsed + external, held: model.bytesHeld() };
  };
  let start = await state();
  for (let i = 0; i < count; i++) {
    if (i === count >> 1) start = await state();
    const session = model.createSession();
    const prompt = Array.from({ length: 5 + ((i * 37) % 90) }, (_, k) => (i * 7 + k * 13) % 100);
    for await (const step of session.generate(textPrompt(prompt), { maxTokens: 4, stopIds: new Set() })) void step;
    await session.dispose();
  }
  const end = await state();
  return { grownBytes: end.heap - start.heap, heldBytes: end.held - start.held };
}
