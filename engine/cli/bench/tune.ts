import type { Command } from 'commander';
import type { Ops } from '../../../kernels/ops.ts';
import { keepSpeeds } from '../../discovery/backendSpeedFile.ts';
import { knownTuning, keepTuning } from '../../discovery/gpuTuningFile.ts';
import { measureBandwidth } from '../../discovery/memoryBandwidth.ts';
import { BadRequest } from '../../errors.ts';
import { TRIAL_CONTEXT, compareBackends } from '../../load/compareBackends.ts';
import { type LoadOptions, loadModel } from '../../load/loadModel.ts';
import type { LoadedModel } from '../../load/loadedModel.ts';
import { comparison, firstSteps } from '../../load/modelSpeed.ts';
import { type TunedShape, dropped, fallbackFor, foundBy, tuneGpu } from '../../load/openBackend.ts';
import { type ModelOptions, addModelOptions, loadOptions, wholeNumber } from '../options.ts';
import { type StoreOptions, modelPath, placesOf } from '../storeOptions.ts';

export interface TuneOptions extends StoreOptions {
  seconds: number;
  json?: boolean;
}

type TuneCliOptions = ModelOptions & TuneOptions;

/**
 * `airgap tune`: finds the fastest kernels of the GPU for the shapes of a model, compares the model on GPU and CPU, and
 * keeps both for later.
 */
export function addTune(program: Command, signal: AbortSignal): void {
  const command = program
    .command('tune <model>')
    .description(
      "find the fastest of the GPU's kernels for a model, among those that compute right here, and compare with the CPU",
    )
    .option('--seconds <count>', 'begin nothing after so many seconds', wholeNumber(1), 60)
    .option('--json', 'print the times as JSON, and do not compare with the CPU');
  addModelOptions(command).action(async (named: string, options: TuneCliOptions) => {
    let ops: Ops | undefined;
    const observe = (loaded: Ops): Ops => (ops = loaded);
    const path = await modelPath(named, options);
    // Asked for by the user, who sees what happens; an engine takes them only if they are chosen here.
    const gpuMatrices = true;
    const load = { ...loadOptions(options, signal), gpuMatrices, knownSpeeds: undefined };
    const model = await loadModel(path, { ...load, observe });
    try {
      await tune(model, ops!, options, signal);
      await compare(model, path, { ...options, load, signal });
    } finally {
      await model.dispose();
    }
  });
}

/** Tunes for the model that is loaded, prints the times, and keeps the choices. Rejects with BadRequest without a GPU. */
export async function tune(model: LoadedModel, ops: Ops, options: TuneOptions, signal: AbortSignal): Promise<void> {
  await firstSteps(model, signal);
  const onShape = options.json ? undefined : (shape: TunedShape): void => console.log(textOf(shape));
  const tuned = await tuneGpu(ops, { mostSeconds: options.seconds, signal, onShape });
  if (!tuned) throw new BadRequest(`The model runs on ${ops.deviceName}; only a GPU has kernels to choose from.`);
  const { adapter, shapes, complete, timedByGpu } = tuned;
  const { folder } = placesOf(options);
  await keepTuning(folder, adapter, foundBy(tuned));
  if (options.json)
    return console.log(JSON.stringify({ adapter, shapes, dropped: dropped(tuned), complete, timedByGpu }));
  for (const sentence of dropped(tuned)) console.log(sentence);
  if (!complete) console.log(`Time was up after ${options.seconds} s; the others keep their kernels.`);
  console.log(
    `Times are by the GPU's own clock for ${timedByGpu} of ${shapes.length} kinds of products and attention, else by the host's.`,
  );
  const all = Object.keys((await knownTuning(folder, adapter))?.chosen ?? {}).length;
  console.log(
    `Choices for ${all} kinds of products and attention are kept for ${adapter}. They hold from the next load on.`,
  );
}

/** Measures the model on GPU and CPU, prints it and keeps it for `auto`. */
async function compare(
  model: LoadedModel,
  path: string,
  { load, signal, json, ...store }: TuneOptions & { load: LoadOptions; signal: AbortSignal },
): Promise<void> {
  const key = model.speedKey(load.allowSoftwareGpu);
  if (!key || json) return;
  const onCpu = { ...load, backend: fallbackFor(model.info.backend)!, contextLength: TRIAL_CONTEXT };
  const loadOnCpu = (): Promise<LoadedModel> => loadModel(path, onCpu);
  const speeds = await compareBackends(model, { loadOnCpu, bandwidth: () => measureBandwidth(), signal });
  await keepSpeeds(placesOf(store).folder, key, speeds);
  console.log(comparison(speeds, model.info.device));
}

/** A shape, and below it what a product takes by each variant, the fastest first. */
function textOf({ key, chosen, times }: TunedShape): string {
  const lines = times.map(({ variant, seconds }) => {
    const taken = `${(seconds * 1e6).toPrecision(3)} µs`.padStart(12);
    return `${taken}  ${variant}${variant === chosen ? '  (chosen)' : ''}`;
  });
  return [key, ...lines].join('\n');
}
