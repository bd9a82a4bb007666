import { join } from 'node:path';
import { assertWithin } from '../../support/close.ts';
import { goldenFolder } from '../../support/engine/golden.ts';
import { describeVisionGoldens } from '../../support/engine/vision/cases.ts';
import { type FeatureReader, openFeatures } from '../../support/engine/vision/features.ts';
import { readVisionGolden } from '../../support/engine/vision/golden.ts';

// A software GPU takes minutes: see test/long.
describeVisionGoldens('wasm', [256, 64, 199]);

describe('features of the golden pictures', function () {
  this.timeout(600_000);
  let reader: FeatureReader;
  before(async () => {
    reader = await openFeatures(goldenFolder('vision'), 'wasm', 'f32');
  });
  after(() => reader.dispose());

  for (const { file, num_crops_limit: crops, num_image_tokens: tokens, embedding } of readVisionGolden().images) {
    it(`${file} in at most ${crops} crops`, async () => {
      const features = await reader.features(join(goldenFolder('vision'), file), crops);
      const width = features.length / tokens;
      const lastRow = tokens - 1;
      const wanted: [at: number, first8: readonly number[]][] = [
        [0, embedding.token0_first8],
        [lastRow, embedding.last_token_first8],
        [embedding.row_end_separator_index, embedding.row_end_separator_first8],
        [embedding.glb_separator_index, embedding.glb_separator_first8],
        [embedding.glb_separator_index + 1, embedding.first_global_token_first8],
      ];
      for (const [row, first8] of wanted)
        assertWithin(features.subarray(row * width, row * width + 8), first8, 1e-3, `position ${row}`);
      const mean = features.reduce((sum, value) => sum + Math.abs(value), 0) / features.length;
      assertWithin([mean], [embedding.mean_abs], 1e-3, 'mean');
    });
  }
});
