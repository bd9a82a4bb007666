/** Speed on random weights in the shape of phi-3-mini: a few layers, made in seconds, that a small card's memory holds. */
import { benchBackends } from '../../engine/cli/bench/backends.ts';
import { speedOf } from '../bench/engine/modelSpeed.ts';

const LAYERS = 4;
const effort = { promptTokens: 512, tokens: 32, repeat: 3, maxSeconds: 8 };
const speed = speedOf({ folder: '', shape: 'phi-3-mini', layers: LAYERS }, effort);
const { signal } = new AbortController();
benchBackends([speed], { backend: 'both', weights: 'q4' }, { random: true, signal }).catch((error: unknown) => {
  console.error((error as Error).message);
  process.exitCode = 1;
});
