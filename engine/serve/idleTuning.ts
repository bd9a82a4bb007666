import { errorMessage } from '../errors.ts';
import type { LoadedModel } from '../load/loadedModel.ts';
import { type GpuTuning, type KnownTuning, dropped, foundBy } from '../load/openBackend.ts';

export interface IdleTuningOptions {
  /** Keeps what was chosen on a GPU, named by its name and its driver. */
  readonly keep: (adapter: string, tuning: KnownTuning) => Promise<void>;
  /** Tunes software adapters, too: for tests. */
  readonly software?: boolean | undefined;
  /** 5 where absent. */
  readonly mostSeconds?: number | undefined;
}

/** What tuning may take of a model's idle time. The rest follows after the next load. */
const MOST_SECONDS = 5;

/** The GPU's kernels are chosen for a model, in steps between those of its requests. */
export class IdleTuning {
  readonly #stopped = new AbortController();
  /** Resolves once all is chosen, or as stop() does. */
  readonly ended: Promise<void>;

  /** Adds what it found out to `notes`. */
  constructor(
    model: Pick<LoadedModel, 'tuneWhenIdle'>,
    { mostSeconds = MOST_SECONDS, software, keep }: IdleTuningOptions,
    { notes, log }: { readonly notes: string[]; readonly log: (message: string) => void },
  ) {
    const { signal } = this.#stopped;
    this.ended = model
      .tuneWhenIdle({ mostSeconds, software, signal })
      .then(async (tuning) => {
        if (!tuning || tuning.shapes.length + Object.keys(tuning.verdicts).length === 0) return;
        const found = sentencesOf(tuning);
        notes.push(...found);
        found.forEach(log);
        await keep(tuning.adapter, foundBy(tuning));
      })
      .catch((error: unknown) => log(`The GPU's kernels were not chosen: ${errorMessage(error)}`));
  }

  /** Resolves once none of its steps runs and it holds nothing. What it has chosen by then is kept. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.ended;
  }
}

function sentencesOf(tuning: GpuTuning): string[] {
  const { shapes, complete, seconds } = tuning;
  const others = shapes.filter(({ isOther }) => isOther).length;
  const kinds = `${shapes.length} ${shapes.length === 1 ? 'kind' : 'kinds'} of products and attention`;
  const rest = complete ? '' : ' The rest follows after the next load.';
  return [
    `The GPU's kernels for ${kinds} were chosen by ${seconds.toFixed(1)} s of measuring in idle time; ` +
      `${others} of them are not the plain ones.${rest}`,
    ...dropped(tuning),
  ];
}
