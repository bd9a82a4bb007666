import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { encode } from 'fast-png';
import { loadModel } from '../../../engine/load/loadModel.ts';
import { readBlueprint } from '../../../engine/models/architectures.ts';
import type { Backend } from '../../../engine/wire/protocol.ts';
import type { WeightDType } from '../../../kernels/ops.ts';
import { assertWithin } from '../../support/close.ts';
import { goldenFolder } from '../../support/engine/golden.ts';
import { TinyFolder, type TinyTensor } from '../../support/engine/tinyModel.ts';
import { type FeatureReader, openFeatures } from '../../support/engine/vision/features.ts';
import { randomPicture, uniform } from '../../support/engine/vision/random.ts';

/** By test/fixtures/golden/scripts/make_vision_towers.py. */
interface TowerGolden {
  /** The seed of the first tensor by name; the others follow. */
  readonly first_seed: number;
  readonly config: {
    readonly img_processor: { readonly image_dim_out: number; readonly tiny_num_hidden_layers: number };
  };
  readonly pictures: readonly PictureGolden[];
}

interface PictureGolden {
  readonly width: number;
  readonly height: number;
  readonly crops: number;
  readonly seed: number;
  readonly tokens: number;
  readonly sum: number;
  /** The square root of the sum of all squares. */
  readonly length: number;
  /** The features at 7, 7 + 389, 7 + 2 * 389, ... */
  readonly samples: readonly number[];
}

const FORMATS: readonly {
  readonly backend: Backend;
  readonly weights: WeightDType | undefined;
  readonly tolerance: number;
  /** The first pictures of each encoder. */
  readonly pictures: number;
}[] = [
  { backend: 'wasm', weights: 'f32', tolerance: 1e-3, pictures: Infinity },
  { backend: 'wasm', weights: undefined, tolerance: 5e-2, pictures: 2 },
];

describe('random image encoders and pictures of odd sizes are as the numpy reference computes them', function () {
  this.timeout(120_000);
  const goldens = JSON.parse(readFileSync(join(goldenFolder('vision'), 'towers.json'), 'utf8')) as TowerGolden[];

  for (const golden of goldens) {
    const { image_dim_out: width, tiny_num_hidden_layers: layers } = golden.config.img_processor;
    let folder: TinyFolder;
    before(() => {
      folder = modelOf(golden);
    });
    after(() => folder.remove());

    for (const { backend, weights, tolerance, pictures } of FORMATS) {
      describe(`width ${width}, ${layers} layers, on ${backend} in ${weights ?? 'its own formats'}`, () => {
        let reader: FeatureReader;
        before(async () => {
          reader = await openFeatures(folder.path, backend, weights);
        });
        after(() => reader.dispose());

        for (const picture of golden.pictures.slice(0, pictures)) {
          it(`${picture.width} x ${picture.height} in at most ${picture.crops} crops`, async () => {
            assertFeatures(await reader.features(fileOf(picture, folder), picture.crops), picture, tolerance);
          });
        }
      });
    }
  }

  it('the first one on the reference backend', async () => {
    const [golden] = goldens;
    const [picture] = golden!.pictures;
    const folder = modelOf(golden!);
    const reader = await openFeatures(folder.path, 'reference', 'f32');
    try {
      assertFeatures(await reader.features(fileOf(picture!, folder), picture!.crops), picture!, 1e-3);
    } finally {
      await reader.dispose();
      folder.remove();
    }
  });
});

function modelOf(golden: TowerGolden): TinyFolder {
  return TinyFolder.model({ config: golden.config, tensors: randomTensors(golden), dtype: 'F32' });
}

function fileOf({ width, height, seed }: PictureGolden, folder: TinyFolder): string {
  const { rgb } = randomPicture(width, height, seed);
  const name = `${seed}.png`;
  folder.file(name, encode({ width, height, data: rgb, channels: 3, depth: 8 }));
  return join(folder.path, name);
}

function assertFeatures(got: Float32Array, want: PictureGolden, tolerance: number): void {
  assert.equal(got.length % want.tokens, 0);
  const samples = want.samples.map((_, i) => got[(7 + 389 * i) % got.length]!);
  assertWithin(samples, want.samples, tolerance, 'samples');
  const squares = got.reduce((sum, value) => sum + value ** 2, 0);
  assertWithin([Math.sqrt(squares) / want.length], [1], tolerance, 'length');
  const sum = got.reduce((all, value) => all + value, 0);
  assertWithin([sum / got.length], [want.sum / got.length], tolerance, 'mean');
}

/** The tensors as a checkpoint stores them, numbered by their names. */
function randomTensors({ config, first_seed: firstSeed }: TowerGolden): TinyTensor[] {
  const stored = readBlueprint(config).tensors.flatMap(({ name, shape, storedShape = shape, parts }) => {
    if (!parts) return [{ name, shape: [...storedShape] }];
    return parts.map((part) => ({ name: part.name, shape: [part.rows, ...storedShape.slice(1)] }));
  });
  const vision = stored
    .map(({ name }) => name)
    .filter((name) => name.includes('vision_embed_tokens'))
    .sort();
  return stored.map(({ name, shape }) => {
    const count = shape.reduce((a, b) => a * b, 1);
    const seed = firstSeed + vision.indexOf(name);
    return { name, shape, values: uniform(seed, count).map((value) => scaled(value, name, shape)) };
  });
}

function scaled(value: number, name: string, shape: readonly number[]): number {
  if (name.endsWith('weight') && shape.length === 1) return 1 + value / 4; // Of a norm.
  const inputs = shape.slice(1).reduce((a, b) => a * b, 1);
  if (name.endsWith('weight') && !name.includes('position')) return value * Math.sqrt(3 / inputs);
  return value / 4;
}

it('random weights of such a model load, for measuring speed', async () => {
  const [golden] = JSON.parse(readFileSync(join(goldenFolder('vision'), 'towers.json'), 'utf8')) as TowerGolden[];
  const model = await loadModel({ name: 'random', randomConfig: golden!.config }, { backend: 'wasm' });
  await model.dispose();
});
