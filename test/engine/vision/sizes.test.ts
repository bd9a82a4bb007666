import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cutIntoCrops, scaleAndPad } from '../../../engine/vision/crops.ts';
import { hdSize } from '../../../engine/vision/hdSize.ts';
import { goldenFolder } from '../../support/engine/golden.ts';
import { cropsOf, pictureMemory } from '../../support/engine/vision/cases.ts';
import { randomPicture } from '../../support/engine/vision/random.ts';

/** By test/fixtures/golden/scripts/make_vision_sizes.py. */
interface SizeGolden {
  readonly width: number;
  readonly height: number;
  readonly crops: number;
  readonly seed: number;
  readonly hd_width: number;
  readonly hd_height: number;
  readonly hd_sha256: string;
  readonly crop_sums: readonly number[];
  readonly global_samples: readonly number[];
}

const SAMPLES = [
  [0, 0, 0],
  [1, 335, 335],
  [2, 100, 200],
  [0, 17, 311],
  [1, 168, 168],
] as const;

describe('pictures of odd sizes are as the numpy reference makes them', function () {
  this.timeout(120_000);
  const goldens = JSON.parse(readFileSync(join(goldenFolder('vision'), 'sizes.json'), 'utf8')) as SizeGolden[];

  for (const golden of goldens) {
    const { width, height, crops: mostCrops, seed } = golden;
    it(`${width} x ${height} in at most ${mostCrops} crops`, () => {
      const picture = randomPicture(width, height, seed);
      const size = hdSize(picture, mostCrops);
      assert.deepEqual([size.width, size.height], [golden.hd_width, golden.hd_height]);
      const whole = scaleAndPad(pictureMemory(), picture, size);
      assert.equal(createHash('sha256').update(whole).digest('hex'), golden.hd_sha256);
      const crops = cropsOf(cutIntoCrops(pictureMemory(), picture, mostCrops));
      assert.equal(crops.length, golden.crop_sums.length);
      golden.crop_sums.forEach((sum, crop) => {
        const got = crops[crop]!.reduce((a, b) => a + b, 0);
        assert.ok(
          Math.abs(got - sum) <= 2e-6 * 336 * 336 * 3 + 1e-6 * Math.abs(sum),
          `crop ${crop}: ${got} is not ${sum}`,
        );
      });
      const view = crops[0]!;
      SAMPLES.forEach(([c, y, x], i) => {
        const at = (Math.floor(y / 14) * 24 + Math.floor(x / 14)) * 588 + c * 196 + (y % 14) * 14 + (x % 14);
        assert.ok(Math.abs(view[at]! - golden.global_samples[i]!) <= 1e-4);
      });
    });
  }
});
