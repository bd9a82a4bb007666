import { PRIORITY, Scheduler } from '../../../../engine/inference/scheduler.ts';
import { loadWeights } from '../../../../engine/load/loadWeights.ts';
import { openBackend } from '../../../../engine/load/openBackend.ts';
import { openModel } from '../../../../engine/load/openModel.ts';
import { storesHead } from '../../../../engine/load/tiedHead.ts';
import { chooseFormats } from '../../../../engine/load/weightFormats.ts';
import { takesImages } from '../../../../engine/models/decoder.ts';
import { ImageEncoder } from '../../../../engine/vision/imageEncoder.ts';
import { identifyPicture } from '../../../../engine/vision/pictureFile.ts';
import type { Backend } from '../../../../engine/wire/protocol.ts';
import type { WeightDType } from '../../../../kernels/ops.ts';

/** The image encoder of a model, whose features can be looked at. */
export interface FeatureReader {
  /** (positions, hidden) of a PNG file. */
  features(file: string, mostCrops: number): Promise<Float32Array>;
  dispose(): Promise<void>;
}

/** Opens the image encoder of the model in a folder. Without `weights` its matrices take their own formats. */
export async function openFeatures(folder: string, backend: Backend, weights?: WeightDType): Promise<FeatureReader> {
  const { blueprint, checkpoint } = await openModel(folder, storesHead);
  const { ops } = await openBackend({ backend, allowSoftwareGpu: true });
  const specs = chooseFormats(blueprint.tensors, checkpoint, weights);
  const decoder = blueprint.build(await loadWeights(ops, checkpoint, specs, {}), ops);
  await checkpoint.close();
  if (!takesImages(decoder)) throw new Error(`${folder} takes no images.`);
  let features = new Float32Array();
  decoder.setImage = (_, rows) => (features = rows.slice());
  return {
    async features(file, mostCrops) {
      const encoder = new ImageEncoder(ops, decoder, new Scheduler(), mostCrops, 1);
      await encoder.encode(await identifyPicture(file), { holder: 'test', mostCrops, priority: PRIORITY.chat });
      return features;
    },
    dispose: () => ops.dispose(),
  };
}
