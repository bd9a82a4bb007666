import { completeWith } from '../../../engine/document/completeInDocument.ts';
import { BadRequest, throwIfAborted } from '../../../engine/errors.ts';
import type { GenerateOptions, GenerationStats } from '../../../engine/inference/generation.ts';
import { type LoadOptions, loadModel } from '../../../engine/load/loadModel.ts';
import type { LoadedModel } from '../../../engine/load/loadedModel.ts';
import type { CompletionRequest } from '../../../engine/completion/complete.ts';
import type { Session } from '../../../engine/inference/session.ts';
import { type Recording, readRecording } from './edits.ts';
import { starterFolder } from '../../../engine/cli/starter.ts';

export interface SpeculationBenchOptions {
  /** An editing session as test/fixtures/edits/make.mjs records it. */
  readonly recording: string;
  /** The starter model where absent. */
  readonly folder?: string | undefined;
  /** Places of the recording to complete at, evenly spread. */
  readonly places: number;
}

type Mode = NonNullable<GenerateOptions['speculation']>;
const MODES: readonly Mode[] = ['off', 'auto', 'always'];

/** The sum of all completions of one kind, decoded in one way. Without the prefill and the token that it gives. */
export interface SpeculationRow {
  readonly kind: string;
  readonly mode: Mode;
  readonly tokens: number;
  readonly passes: number;
  readonly drafted: number;
  readonly accepted: number;
  readonly decodeMs: number;
  /** Completions that are not those of plain decoding, of `completions`. */
  readonly different: number;
  readonly completions: number;
  /** Tokens per second over those of plain decoding. */
  readonly speedup: number;
}

/** The product's own completions, and answers that go on as long as they are let. */
const KINDS: Readonly<Record<string, Pick<CompletionRequest, 'multiline' | 'maxTokens'>>> = {
  completions: { multiline: 'auto', maxTokens: 128 },
  blocks: { multiline: 'always', maxTokens: 128 },
};
/** Of an insertion, what is typed before the completion is asked for. */
const TYPED_SHARE = 1 / 3;

/**
 * Completes at places of recorded edits of real files, by plain decoding, with speculation as it is, and with all
 * drafts: one after the other at each place, so that a busy machine slows all of them.
 */
export async function* benchSpeculation(
  options: SpeculationBenchOptions,
  load: LoadOptions,
  signal: AbortSignal,
): AsyncGenerator<SpeculationRow> {
  const places = spread(placesOf(await readRecording(options.recording)), options.places);
  const model = await loadModel(options.folder ?? starterFolder(), load);
  try {
    for (const [kind, how] of Object.entries(KINDS)) {
      const sessions = MODES.map(() => model.createSession());
      const sums = MODES.map((mode) => new Sum(kind, mode));
      for (const place of places) {
        const request = { ...place, ...how };
        const texts: string[] = [];
        for (const [i, session] of sessions.entries()) {
          throwIfAborted(signal);
          texts.push(await completed(model, session, request, { sum: sums[i]!, signal }));
        }
        sums.forEach((sum, i) => sum.compare(texts[i]!, texts[0]!));
      }
      for (const sum of sums) yield sum.row(sums[0]!);
      await Promise.all(sessions.map((session) => session.dispose()));
    }
  } finally {
    await model.dispose();
  }
}

export function printSpeculationRow(row: SpeculationRow): void {
  const { kind, mode, tokens, passes, drafted, accepted, decodeMs, different, completions, speedup } = row;
  const figures = [
    `${(tokens / passes).toFixed(2)} tokens/pass`.padStart(16),
    `${((1000 * tokens) / decodeMs).toFixed(1)} tokens/s`.padStart(17),
    `${speedup.toFixed(2)} x plain`.padStart(13),
    `${accepted} of ${drafted} drafted`.padStart(23),
    `${different} of ${completions} differ`.padStart(18),
  ];
  console.log(`  ${kind.padEnd(12)}${mode.padEnd(7)}${figures.join('')}`);
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
  const { text } = await completeWith(model, generate, request, signal);
  if (stats) sum.add(stats);
  return text;
}

class Sum {
  #tokens = 0;
  #passes = 0;
  #drafted = 0;
  #accepted = 0;
  #decodeMs = 0;
  #different = 0;
  #completions = 0;

  readonly #kind: string;

  constructor(
    kind: string,
    readonly mode: Mode,
  ) {
    this.#kind = kind;
  }

  add({ tokensGenerated, passes, tokensDrafted, tokensAccepted, decodeMs }: GenerationStats): void {
    this.#tokens += Math.max(0, tokensGenerated - 1);
    this.#passes += passes - 1;
    this.#drafted += tokensDrafted;
    this.#accepted += tokensAccepted;
    this.#decodeMs += decodeMs;
  }

  compare(text: string, plain: string): void {
    this.#completions++;
    if (text !== plain) this.#different++;
  }

  row(plain: Sum): SpeculationRow {
    const { mode } = this;
    const kind = this.#kind;
    const tokens = this.#tokens;
    const passes = this.#passes;
    const drafted = this.#drafted;
    const accepted = this.#accepted;
    const decodeMs = this.#decodeMs;
    const different = this.#different;
    const completions = this.#completions;
    const speedup = tokens / decodeMs / (plain.#tokens / plain.#decodeMs);
    return { kind, mode, tokens, passes, drafted, accepted, decodeMs, different, completions, speedup };
  }
}

type Place = Pick<CompletionRequest, 'fileName' | 'languageId' | 'prefix' | 'suffix'>;

/** Within each insertion of a recording. */
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
  if (values.length === 0) throw new BadRequest('This session has no insertion.');
  const step = Math.max(1, values.length / count);
  return Array.from({ length: Math.min(count, values.length) }, (_, i) => values[Math.floor(i * step)]!);
}
