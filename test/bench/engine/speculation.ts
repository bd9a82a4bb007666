import { completeOnce } from '../../../engine/document/completeOnce.ts';
import { BadRequest, throwIfAborted } from '../../../engine/errors.ts';
import type { GenerateOptions, GenerationStats } from '../../../engine/inference/generationTypes.ts';
import { loadModel } from '../../../engine/load/loadModel.ts';
import type { LoadedModel } from '../../../engine/load/loadedModel.ts';
import type { CompletionRequest } from '../../../engine/completion/completeAt.ts';
import type { Session } from '../../../engine/inference/session.ts';
import type { Measurement } from '../../../engine/cli/bench/backends.ts';
import { type Recording, readRecording } from './recording.ts';

export interface SpeculationBenchOptions {
  /** Path of an editing session that test/fixtures/edits/make.mjs has recorded. */
  readonly recording: string;
  /** Folder of the model. */
  readonly folder: string;
  /** Number of places of the recording at which completions are asked for, evenly spread. */
  readonly places?: number;
}

const PLACES = 40;

type Mode = NonNullable<GenerateOptions['speculation']>;
const MODES: readonly Mode[] = ['off', 'auto', 'always'];

/** Sums over all completions of one kind that were decoded in one mode, without prefill and the token that it gives. */
export interface SpeculationRow {
  readonly kind: string;
  readonly mode: Mode;
  readonly tokens: number;
  readonly passes: number;
  readonly drafted: number;
  readonly accepted: number;
  readonly decodeMs: number;
  readonly completions: number;
  /** Number of completions that differ from those of plain decoding. */
  readonly different: number;
  /** Tokens per second, relative to plain decoding. */
  readonly speedup: number;
}

/** The completions of the product, and blocks that continue up to the length limit. */
const KINDS: Readonly<Record<string, Pick<CompletionRequest, 'multiline' | 'maxTokens'>>> = {
  completions: { multiline: 'auto', maxTokens: 128 },
  blocks: { multiline: 'always', maxTokens: 128 },
};
/** Share of an insertion that is typed before the completion is asked for. */
const TYPED_SHARE = 1 / 3;

/**
 * Completes at places of recorded edits of real files with plain decoding, with speculation as it is, and with every
 * draft verified. The modes take turns at each place, so that a busy machine slows all of them.
 */
export function speculationIn({
  recording,
  folder,
  places: count = PLACES,
}: SpeculationBenchOptions): Measurement<SpeculationRow> {
  return {
    subject: 'decoding with and without drafts',
    layout: 'table',
    columns: COLUMNS,
    async *rows({ load, signal }) {
      const places = spread(placesOf(await readRecording(recording)), count);
      const model = await loadModel(folder, load);
      try {
        for (const [kind, how] of Object.entries(KINDS)) {
          const requests = places.map((place) => ({ ...place, ...how }));
          yield* await compareModes(model, kind, requests, signal);
        }
      } finally {
        await model.dispose();
      }
    },
  };
}

const COLUMNS: Measurement<SpeculationRow>['columns'] = [
  { title: 'kind', width: 11, text: ({ kind }) => kind },
  { title: 'drafts', width: 6, text: ({ mode }) => mode },
  { title: 'tokens/pass', text: ({ tokens, passes }) => (tokens / passes).toFixed(2) },
  { title: 'tokens/s', width: 9, text: ({ tokens, decodeMs }) => ((1000 * tokens) / decodeMs).toFixed(1) },
  { title: 'x plain', text: ({ speedup }) => speedup.toFixed(2) },
  { title: 'accepted', width: 14, text: ({ accepted, drafted }) => `${accepted} of ${drafted}` },
  { title: 'different', width: 10, text: ({ different, completions }) => `${different} of ${completions}` },
];

async function compareModes(
  model: LoadedModel,
  kind: string,
  requests: readonly CompletionRequest[],
  signal: AbortSignal,
): Promise<SpeculationRow[]> {
  const sessions = MODES.map(() => model.createSession());
  const sums = MODES.map((mode) => new Sum(kind, mode));
  for (const request of requests) {
    const texts: string[] = [];
    for (const [i, session] of sessions.entries()) {
      throwIfAborted(signal);
      texts.push(await completed(model, session, request, { sum: sums[i]!, signal }));
    }
    sums.forEach((sum, i) => sum.compare(texts[i]!, texts[0]!));
  }
  await Promise.all(sessions.map((session) => session.dispose()));
  return sums.map((sum) => sum.row(sums[0]!));
}

async function completed(
  model: LoadedModel,
  session: Session,
  request: CompletionRequest,
  { sum, signal }: { sum: Sum; signal: AbortSignal },
): Promise<string> {
  let stats: GenerationStats | undefined;
  const generate: Session['generate'] = (prompt, options) => {
    const generation = session.generate(prompt, { ...options, speculation: sum.mode });
    stats = generation.stats;
    return generation;
  };
  const { text } = await completeOnce(model, { generate }, request, signal);
  if (stats) sum.add(stats);
  return text;
}

class Sum {
  readonly kind: string;
  readonly mode: Mode;
  readonly #counts = { tokens: 0, passes: 0, drafted: 0, accepted: 0, decodeMs: 0, different: 0, completions: 0 };

  constructor(kind: string, mode: Mode) {
    this.kind = kind;
    this.mode = mode;
  }

  add({ tokensGenerated, passes, tokensDrafted, tokensAccepted, decodeMs }: GenerationStats): void {
    const counts = this.#counts;
    counts.tokens += Math.max(0, tokensGenerated - 1);
    counts.passes += passes - 1;
    counts.drafted += tokensDrafted;
    counts.accepted += tokensAccepted;
    counts.decodeMs += decodeMs;
  }

  compare(text: string, plain: string): void {
    this.#counts.completions++;
    if (text !== plain) this.#counts.different++;
  }

  row(plain: Sum): SpeculationRow {
    const speedup = this.#tokensPerMs() / plain.#tokensPerMs();
    return { kind: this.kind, mode: this.mode, ...this.#counts, speedup };
  }

  #tokensPerMs(): number {
    return this.#counts.tokens / this.#counts.decodeMs;
  }
}

type Place = Pick<CompletionRequest, 'fileName' | 'languageId' | 'prefix' | 'suffix'>;

/** One place within each insertion of a recording. */
function placesOf({ files }: Recording): Place[] {
  return files.flatMap(({ name, text: start, edits }) => {
    let text = start;
    return edits.flatMap(({ at, remove, insert }): Place[] => {
      const suffix = text.slice(at + remove);
      const prefix = text.slice(0, at) + insert.slice(0, Math.ceil(insert.length * TYPED_SHARE));
      text = text.slice(0, at) + insert + suffix;
      return insert === '' ? [] : [{ fileName: name, languageId: 'typescript', prefix, suffix }];
    });
  });
}

function spread<T>(values: readonly T[], count: number): T[] {
  if (values.length === 0) throw new BadRequest('The recorded session has no insertion.');
  const step = Math.max(1, values.length / count);
  return Array.from({ length: Math.min(count, values.length) }, (_, i) => values[Math.floor(i * step)]!);
}
