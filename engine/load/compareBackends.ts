import type { LoadedModel } from './loadedModel.ts';
import type { BackendSpeeds, ModelSpeed } from './modelSpeed.ts';

/** A CPU reads weights that its caches hold faster than others. */
const CACHES = 1.5;

export interface CompareOptions {
  /** Loads the model on the CPU, for a context of TRIAL_CONTEXT. Rejects as loading does. */
  readonly loadOnCpu: () => Promise<Pick<LoadedModel, 'measureSpeed' | 'dispose'>>;
  /** Bytes that the CPU reads from memory per second; null where that could not be measured. */
  readonly bandwidth: () => Promise<number | null>;
  readonly signal: AbortSignal;
}

/** What measureSpeed() needs, in tokens. */
export const TRIAL_CONTEXT = 256;

/**
 * Measures a model on the GPU, where it is, and on the CPU, where that may be faster. Rejects as sessions and loading do;
 */
export async function compareBackends(
  onGpu: Pick<LoadedModel, 'measureSpeed' | 'bytesPerToken'>,
  { loadOnCpu, bandwidth, signal }: CompareOptions,
): Promise<BackendSpeeds> {
  const gpu = await onGpu.measureSpeed(signal);
  const mostBytes = CACHES * ((await bandwidth()) ?? Infinity);
  return { gpu, cpu: gpu.decode * onGpu.bytesPerToken > mostBytes ? undefined : await speedOnCpu(loadOnCpu, signal) };
}

async function speedOnCpu(load: CompareOptions['loadOnCpu'], signal: AbortSignal): Promise<ModelSpeed> {
  const model = await load();
  try {
    return await model.measureSpeed(signal);
  } finally {
    await model.dispose();
  }
}
