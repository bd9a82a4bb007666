import { setTimeout as sleep } from 'node:timers/promises';
import { errorMessage } from '../errors.ts';
import { type CompareOptions, compareBackends } from '../load/compareBackends.ts';
import type { LoadedModel, SpeedKey } from '../load/loadedModel.ts';
import { type BackendSpeeds, comparison, isCpuFaster } from '../load/modelSpeed.ts';

export interface BackendTrialOptions extends Pick<CompareOptions, 'bandwidth'> {
  readonly known: (key: SpeedKey) => Promise<BackendSpeeds | undefined>;
  readonly keep: (key: SpeedKey, speeds: BackendSpeeds) => Promise<void>;
  /** Compares software adapters, too: for tests. */
  readonly software?: boolean | undefined;
  /** A model at rest for so long is measured; 20 s where absent. */
  readonly restMs?: number | undefined;
}

export interface Trial {
  readonly model: Pick<LoadedModel, 'measureSpeed' | 'speedKey' | 'bytesPerToken' | 'images' | 'info'>;
  /** As in CompareOptions. */
  readonly loadOnCpu: (signal: AbortSignal) => ReturnType<CompareOptions['loadOnCpu']>;
  /** What must have ended before. */
  readonly after: Promise<unknown> | undefined;
  /** For how long no call has used the model; 0 while one does. */
  readonly restedMs: () => number;
  /** The CPU is faster, as a sentence. It is kept, so the next load takes it. */
  readonly onCpuFaster: (because: string) => void;
  readonly log: (message: string) => void;
}

const REST_MS = 20_000;

/** Measures a model at rest once on the GPU and on the CPU, so that it runs where it is faster. */
export class BackendTrial {
  readonly #stopped = new AbortController();
  readonly #ended: Promise<void>;

  constructor(trial: Trial, options: BackendTrialOptions) {
    const { signal } = this.#stopped;
    this.#ended = run(trial, options, signal).catch((error: unknown) => {
      if (!signal.aborted) trial.log(`${trial.model.info.name} was not compared with the CPU: ${errorMessage(error)}`);
    });
  }

  /** Resolves once none of its steps runs and it holds nothing. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#ended;
  }
}

async function run(trial: Trial, options: BackendTrialOptions, signal: AbortSignal): Promise<void> {
  const { model, loadOnCpu, log } = trial;
  const { bandwidth, restMs = REST_MS } = options;
  const key = model.speedKey(options.software);
  // An image encoder runs where its model does, and is far slower on the CPU.
  if (!key || model.images || (await options.known(key))) return;
  await trial.after;
  for (let left: number; (left = restMs - trial.restedMs()) > 0;) await sleep(left, undefined, { signal, ref: false });
  const speeds = await compareBackends(model, { loadOnCpu: () => loadOnCpu(signal), bandwidth, signal });
  await options.keep(key, speeds);
  const sentence = comparison(speeds, model.info.device);
  log(`${model.info.name}: ${sentence}`);
  if (isCpuFaster(speeds)) trial.onCpuFaster(sentence);
}
