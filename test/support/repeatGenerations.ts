import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { LoadedModel } from '../../engine/load.ts';

/**
 * Generates a few tokens `count` times, each in a session of its own with another prompt, and says by how much JavaScript's
 * heap (after collection) and the backend's memory have grown since the first tenth.
 */
export async function repeatGenerations(
  model: LoadedModel,
  count: number,
): Promise<{ grownBytes: number; heldBytes: number }> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const state = () => {
    collect();
    const { heapUsed, external } = process.memoryUsage();
    return { heap: heapUsed + external, held: model.bytesHeld() };
  };
  let start = state();
  for (let i = 0; i < count; i++) {
    if (i === Math.ceil(count / 10)) start = state();
    const session = model.createSession();
    const prompt = Array.from({ length: 5 + ((i * 37) % 90) }, (_, k) => (i * 7 + k * 13) % 100);
    for await (const step of session.generate(prompt, { maxTokens: 4, stopIds: new Set() })) void step;
    await session.dispose();
  }
  const end = state();
  return { grownBytes: end.heap - start.heap, heldBytes: end.held - start.held };
}
