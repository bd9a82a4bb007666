import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { MAX_F32 } from '../../../kernels/ops.ts';

/** One prompt of a golden.json, as test/fixtures/golden/README.md describes it. */
export interface GoldenPrompt {
  name: string;
  ids: number[];
  argmax_all_positions: number[];
  top1_top2_margin_all_positions: number[];
  logits_positions: number[];
  logits: number[][];
  greedy?: { ids: number[]; margins: number[]; last_step_logits: number[] };
  greedy_numpy_f64?: { ids: number[]; margins: number[] };
  convention?: string;
}

/** Expected results of one configuration of a checkpoint. */
export interface GoldenVariant {
  config: string;
  prompts: GoldenPrompt[];
  sliding_window_variants?: { config_override: Record<string, unknown>; entries: GoldenPrompt[] };
  crossing_original_max_position?: { ids: number[]; recompute: { ids: number[] } };
}

export const goldenFolder = (name: string): string => resolve('test/fixtures/golden', name);

/** The configurations of a golden; most have one. */
export function readGolden(name: string): GoldenVariant[] {
  const json = JSON.parse(readFileSync(join(goldenFolder(name), 'golden.json'), 'utf8')) as
    GoldenVariant | { variants: GoldenVariant[] };
  const variants = 'variants' in json ? json.variants : [json];
  for (const prompt of variants.flatMap(({ prompts }) => prompts)) {
    prompt.ids = listed(prompt.ids);
    // The file stores the logits of masked ids with seven digits.
    prompt.logits = prompt.logits.map((row) => row.map((value) => (value < -3.4e38 ? -MAX_F32 : value)));
  }
  return variants;
}

/** Runs `use` on a folder with the golden's weights, the named configuration, and its keys changed. */
export async function withGolden<T>(
  name: string,
  { config = 'config.json', override = {} }: { config?: string; override?: Record<string, unknown> },
  use: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'airgap-golden-'));
  try {
    const json = JSON.parse(readFileSync(join(goldenFolder(name), config), 'utf8')) as object;
    writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...json, ...override }));
    copyFileSync(join(goldenFolder(name), 'model.safetensors'), join(folder, 'model.safetensors'));
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Ids as such, or made by the linear congruential generator that golden.json describes. */
function listed(ids: number[] | { lcg: { seed: number; n: number; lo: number; hi: number } }): number[] {
  if (Array.isArray(ids)) return ids;
  const { seed, n, lo, hi } = ids.lcg;
  let x = seed;
  return Array.from({ length: n }, () => {
    x = (Math.imul(1664525, x) + 1013904223) >>> 0;
    return lo + ((x >>> 8) % (hi - lo));
  });
}
