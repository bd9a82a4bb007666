import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { goldenFolder } from '../golden.ts';

/** What test/fixtures/golden/vision/golden.json holds, as far as tests read it. */
export interface VisionGolden {
  readonly size_table: readonly {
    readonly num_crops: number;
    readonly width: number;
    readonly height: number;
    readonly hd_height: number;
    readonly hd_width: number;
    readonly num_image_tokens: number;
  }[];
  readonly images: readonly {
    readonly file: string;
    readonly num_crops_limit: number;
    readonly num_image_tokens: number;
    readonly hd_uint8_sha256: string;
    readonly pixels: {
      readonly shape: readonly number[];
      readonly per_crop_sum: readonly number[];
      readonly samples: readonly {
        readonly crop_c_y_x: readonly [number, number, number, number];
        readonly value: number;
      }[];
    };
    readonly embedding: {
      readonly sum: number;
      readonly mean_abs: number;
      readonly l2: number;
      readonly token0_first8: readonly number[];
      readonly last_token_first8: readonly number[];
      readonly row_end_separator_index: number;
      readonly row_end_separator_first8: readonly number[];
      readonly glb_separator_index: number;
      readonly glb_separator_first8: readonly number[];
      readonly first_global_token_first8: readonly number[];
    };
  }[];
  readonly prompts: readonly VisionPrompt[];
}

export interface VisionPrompt {
  readonly name: string;
  readonly num_tokens: number;
  readonly ids: readonly (
    | { readonly ids: readonly number[] }
    | { readonly image: string; readonly num_crops_limit: number; readonly id: number; readonly repeat: number }
  )[];
  readonly logits_positions: readonly number[];
  readonly logits: readonly (readonly number[])[];
  readonly greedy: { readonly ids: readonly number[]; readonly margins: readonly number[] };
}

export function readVisionGolden(): VisionGolden {
  return JSON.parse(readFileSync(join(goldenFolder('vision'), 'golden.json'), 'utf8')) as VisionGolden;
}
