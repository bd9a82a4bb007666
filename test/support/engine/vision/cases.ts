import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PRIORITY } from '../../../../engine/inference/scheduler.ts';
import { PATCHES, PATCH_VALUES } from '../../../../engine/layers/patches.ts';
import type { LoadedModel } from '../../../../engine/load/loadedModel.ts';
import { loadModel } from '../../../../engine/load/loadModel.ts';
import { joinPrompt, type Prompt } from '../../../../engine/prompt/prompt.ts';
import { decodePng } from '../../../../engine/vision/png.ts';
import { identifyPicture } from '../../../../engine/vision/pictureFile.ts';
import type { Pixels } from '../../../../engine/vision/pixels.ts';
import type { Backend } from '../../../../engine/wire/protocol.ts';
import kernels from 'wasm-kernels:plain';
import { PictureMemory } from '../../../../engine/vision/pictureMemory.ts';
import { assertWithin } from '../../close.ts';
import { goldenFolder } from '../golden.ts';
import { type VisionPrompt, readVisionGolden } from './golden.ts';

/** From test/fixtures/golden/README.md: f32 everywhere. */
const TOLERANCE = 1e-3;

/** The prompts of the golden phi-3-vision for which `take` holds, in steps of these sizes. */
export function describeVisionGoldens(
  backend: Backend,
  chunks: readonly number[],
  take: (prompt: VisionPrompt) => boolean = () => true,
): void {
  describe(`phi-3-vision on ${backend}`, function () {
    this.timeout(600_000);
    let model: LoadedModel;
    before(async () => {
      const options = { backend, weights: 'f32', kv: 'f32', allowSoftwareGpu: true, contextLength: 4096 } as const;
      model = await loadModel(goldenFolder('vision'), options);
    });
    after(() => model?.dispose());

    for (const prompt of readVisionGolden().prompts.filter(take)) {
      it(`${prompt.name}: logits for any chunking, and the greedy ids`, async () => {
        const ids = await promptOf(model, prompt);
        assert.equal(ids.ids.length, prompt.num_tokens);
        for (const chunkTokens of chunks) {
          const session = model.createSession();
          const last = prompt.num_tokens - prompt.logits_positions[0]!;
          const { values } = await session.run(ids, { output: 'logits', last, chunkTokens });
          assertWithin(values, prompt.logits.flat(), TOLERANCE, `${chunkTokens} at a time`);
          await session.dispose();
        }
        const session = model.createSession();
        const greedy: number[] = [];
        for await (const { id } of session.generate(ids, { maxTokens: 16, stopIds: new Set() })) greedy.push(id);
        assert.deepEqual(greedy, prompt.greedy.ids);
        await session.dispose();
      });
    }
  });
}

export async function promptOf(model: LoadedModel, { ids }: VisionPrompt): Promise<Prompt> {
  const parts: (readonly number[] | { key: string; length: number })[] = [];
  for (const part of ids) {
    if ('ids' in part) parts.push(part.ids);
    else {
      const options = { holder: model, mostCrops: part.num_crops_limit, priority: PRIORITY.chat };
      const picture = await identifyPicture(join(goldenFolder('vision'), part.image));
      const { key, size } = await model.images!.encode(picture, options);
      assert.equal(size.tokens, part.repeat);
      parts.push({ key, length: size.tokens });
    }
  }
  return joinPrompt(parts);
}

export function readPicture(file: string): Pixels {
  return decodePng(readFileSync(join(goldenFolder('vision'), file)), file);
}

export function pictureMemory(): PictureMemory {
  return new PictureMemory(new WebAssembly.Module(kernels));
}

/** The patches of each crop, of those that cutIntoCrops gives. */
export function cropsOf(patches: Float32Array): readonly Float32Array[] {
  const values = PATCHES * PATCH_VALUES;
  return Array.from({ length: patches.length / values }, (_, crop) => {
    return patches.subarray(crop * values, (crop + 1) * values);
  });
}
