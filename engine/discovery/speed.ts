import type { DecodeCost } from '../load/planModel.ts';

/**
 * Share of the measured memory bandwidth at which the CPU reads large weights, and what a layer's small products cost
 * beside that, since threads wait for each other between them. Both from the rows of test/bench/FIGURES.md, which they
 * give back within a fifth: phi-3-mini, phi-3-small, SmolLM2-135M.
 */
const SHARE = 0.9;
const SECONDS_PER_LAYER = 1e-4;

/** Tokens before the one that is decoded, as in README's table. */
const TOKENS_BEFORE = 512;

/** Decoded tokens per second on the CPU; `bandwidth` is in bytes per second. */
export function estimateTokensPerSecond(
  { weightBytes, kvBytesPerToken, layers }: DecodeCost,
  bandwidth: number,
  tokensBefore = TOKENS_BEFORE,
): number {
  const bytes = weightBytes + tokensBefore * kvBytesPerToken;
  return 1 / (bytes / (SHARE * bandwidth) + layers * SECONDS_PER_LAYER);
}
