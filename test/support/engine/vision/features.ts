import { PRIORITY, Scheduler } from '../../../../engine/inference/scheduler.ts';
import { loadTower } from '../../../../engine/load/loadTower.ts';
import { openModel } from '../../../../engine/load/openModel.ts';
import { storesHead } from '../../../../engine/load/tiedHead.ts';
import { chooseFormats } from '../../../../engine/load/weightFormats.ts';
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
  const { source, blueprint, checkpoint } = await openModel(folder, storesHead);
  const { tower } = blueprint;
  if (!tower) throw new Error(`${folder} takes no images.`);
  const names = new Set(tower.tensors.map(({ name }) => name));
  const specs = chooseFormats(blueprint.tensors, checkpoint, weights).filter(({ name }) => names.has(name));
  await checkpoint.close();
  const openTower = (signal?: AbortSignal) =>
    loadTower({ source, blueprint: tower, specs }, { backend, allowSoftwareGpu: true }, signal);
  const known = new Map<string, Float32Array>();
  const decoder = { setImage: known.set.bind(known), forgetImage: known.delete.bind(known) };
  const encoder = new ImageEncoder(openTower, decoder, new Scheduler(), 16, 1);
  return {
    async features(file, mostCrops) {
      const options = { holder: known, mostCrops, priority: PRIORITY.chat };
      const { key } = await encoder.encode(await identifyPicture(file), options);
      return known.get(key)!;
    },
    dispose: () => encoder.dispose(),
  };
}
