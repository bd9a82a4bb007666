import { mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

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

export interface Golden {
  prompts: GoldenPrompt[];
  sliding_window_variants?: { config_override: Record<string, unknown>; entries: GoldenPrompt[] };
  crossing_original_max_position?: { ids: number[]; recompute: { ids: number[] } };
}

export const goldenFolder = (name: string): string => resolve('test/fixtures/golden', name);

export function readGolden(name: string): Golden {
  return JSON.parse(readFileSync(join(goldenFolder(name), 'golden.json'), 'utf8')) as Golden;
}

/** A folder with the golden's weights and its config.json changed; the caller removes it. */
export function folderWithConfig(name: string, override: Record<string, unknown>): string {
  const folder = mkdtempSync(join(tmpdir(), 'airgap-golden-'));
  const config = JSON.parse(readFileSync(join(goldenFolder(name), 'config.json'), 'utf8')) as object;
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...config, ...override }));
  symlinkSync(join(goldenFolder(name), 'model.safetensors'), join(folder, 'model.safetensors'));
  return folder;
}
