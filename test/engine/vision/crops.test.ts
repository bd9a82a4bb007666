import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cutIntoCrops, scaleAndPad } from '../../../engine/vision/crops.ts';
import { hdSize } from '../../../engine/vision/hdSize.ts';
import { cropsOf, pictureMemory, readPicture } from '../../support/engine/vision/cases.ts';
import { type VisionGolden, readVisionGolden } from '../../support/engine/vision/golden.ts';

const golden: VisionGolden = readVisionGolden();

describe('a picture is scaled and cut as the model was trained', () => {
  for (const row of golden.size_table) {
    const { num_crops: crops, width, height, hd_height, hd_width, num_image_tokens } = row;
    it(`${width} x ${height} in at most ${crops} crops is ${hd_width} x ${hd_height}, ${num_image_tokens} tokens`, () => {
      const size = hdSize({ width, height }, crops);
      assert.deepEqual(
        { width: size.width, height: size.height, tokens: size.tokens },
        { width: hd_width, height: hd_height, tokens: num_image_tokens },
      );
    });
  }

  for (const [width, height] of [
    [1, 4000],
    [4000, 1],
    [1, 1],
    [20000, 3],
  ] as const) {
    it(`${width} x ${height} becomes at least a pixel high`, () => {
      const { scaled, tokens } = hdSize({ width, height }, 16);
      assert.ok(scaled.height >= 1 && scaled.width >= 336 && tokens > 288);
    });
  }

  for (const image of golden.images) {
    const name = `${image.file} in at most ${image.num_crops_limit} crops`;
    it(`${name}: every sample of the scaled picture is equal`, () => {
      const picture = readPicture(image.file);
      const rgb = scaleAndPad(pictureMemory(), picture, hdSize(picture, image.num_crops_limit));
      assert.equal(createHash('sha256').update(rgb).digest('hex'), image.hd_uint8_sha256);
    });

    it(`${name}: the normalised crops and the global view`, () => {
      const crops = cropsOf(cutIntoCrops(pictureMemory(), readPicture(image.file), image.num_crops_limit));
      assert.equal(crops.length, image.pixels.shape[0]);
      image.pixels.per_crop_sum.forEach((sum, crop) => {
        const patches = crops[crop]!;
        assert.ok(Math.abs(patches.reduce((a, b) => a + b, 0) - sum) <= 1e-6 * patches.length);
      });
      for (const {
        crop_c_y_x: [crop, c, y, x],
        value,
      } of image.pixels.samples) {
        const patch = Math.floor(y / 14) * 24 + Math.floor(x / 14);
        const got = crops[crop]![patch * 588 + c * 196 + (y % 14) * 14 + (x % 14)]!;
        assert.ok(Math.abs(got - value) <= 1e-4, `${got} is not ${value}`);
      }
    });
  }
});
