import type { DecodeCost } from '../load/planModel.ts';

/**
 * Shares of the measured memory bandwidth at which the CPU reads large weights and the KV cache, and what a layer costs
 * beside that, since threads wait for each other between small products. All from the rows of test/bench/FIGURES.md, which
 * they give back within a quarter: phi-3-mini, phi-3-small, SmolLM2-135M.
 */
const WEIGHTS_SHARE = 0.9;
const KV_SHARE = 0.45;
const SECONDS_PER_LAYER = 1e-4;

/** Tokens before the one that is decoded, as in README's table. */
const TOKENS_BEFORE = 512;

/** Decoded tokens per second on the CPU; `bandwidth` is in bytes per second. */
export function estimateTokensPerSecond(
  { weightBytes, kvBytesPerToken, layers }: DecodeCost,
  bandwidth: number,
  tokensBefore = TOKENS_BEFORE,
): number {
  const readTime = weightBytes / WEIGHTS_SHARE + (tokensBefore * kvBytesPerToken) / KV_SHARE;
  return 1 / (readTime / bandwidth + layers * SECONDS_PER_LAYER);
}
