import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import * as z from 'zod';
import { type CompletingModel, completeInDocument, completeWith } from '../../../engine/document/completeInDocument.ts';
import type { ModelSession } from '../../../engine/serve/core.ts';
import type { CompletionRequest } from '../../../engine/completion/complete.ts';
import { cursorAt } from '../../../engine/completion/cursor.ts';
import { lineMode } from '../../../engine/completion/lineMode.ts';
import { DocumentSession } from '../../../engine/document/documentSession.ts';
import { BadRequest } from '../../../engine/errors.ts';
import type { GenerationStats } from '../../../engine/inference/generation.ts';
import { loadModel } from '../../../engine/load/loadModel.ts';
import type { LoadedModel } from '../../../engine/load/loadedModel.ts';
import { PrefillSpeed } from '../../../engine/document/prefillSpeed.ts';
import type { Priority } from '../../../engine/inference/scheduler.ts';
import { createTokenizer, type Tokenizer } from '../../../engine/tokenizer/tokenizer.ts';
import { type ModelOptions, addModelOptions, loadOptions } from '../../../engine/cli/options.ts';
import { starterFolder } from '../../../engine/cli/starter.ts';
import { textPrompt } from '../../../engine/prompt/prompt.ts';

/** Keys typed one by one per insertion; what is longer comes line by line after them, as accepted completions do. */
const TYPED_KEYS = 24;

const CONTEXT = 16_384;
/**
 * Counts do not depend on what is computed: the least that the engine takes, with a window of attention that makes long
 * prompts cheap. The vocabulary is the starter's.
 */
const MODEL = {
  architectures: ['Phi3ForCausalLM'],
  hidden_size: 32,
  intermediate_size: 32,
  num_hidden_layers: 1,
  num_attention_heads: 4,
  num_key_value_heads: 1,
  rms_norm_eps: 1e-5,
  max_position_embeddings: CONTEXT,
  sliding_window: 64,
};

const CHUNK_TOKENS = 1024;

/** That of phi-3-mini. */
const CHAT_TEMPLATE =
  "{% for m in messages %}{{'<|' + m['role'] + '|>\\n' + m['content'] + '<|end|>\\n'}}{% endfor %}" +
  "{% if add_generation_prompt %}{{'<|assistant|>\\n'}}{% endif %}";

const recordingSchema = z.object({
  commit: z.string(),
  files: z.array(
    z.object({
      name: z.string(),
      text: z.string(),
      edits: z.array(z.object({ at: z.int().min(0), remove: z.int().min(0), insert: z.string() })),
    }),
  ),
});
export type Recording = z.infer<typeof recordingSchema>;

type Counts = Pick<GenerationStats, 'tokensPrefilled' | 'tokensReused'>;

/** What answers the keys of one file, and what happens in the pause before another edit. */
interface Layout {
  answer(key: CompletionRequest): Promise<Counts>;
  /** Gives the tokens computed meanwhile. */
  pause(): Promise<number>;
  dispose(): Promise<void>;
}

interface ChatModel extends CompletingModel {
  readonly tokenizer: Tokenizer;
  createSession: LoadedModel['createSession'];
}

interface Figures {
  layout: string;
  keys: number;
  median: number;
  percentile95: number;
  mean: number;
  /** Median of the first key after the cursor moved. */
  afterMove: number;
  cacheHits: number;
  /** Per key, on average, computed in the pauses. */
  inPauses: number;
}

/** `airgap edits`: tokens prefilled per keystroke of a recorded editing session. */
export function addEdits(program: Command, signal: AbortSignal): void {
  const command = program
    .command('edits <recording>')
    .description('replay an editing session and print the tokens prefilled per keystroke, for several prompt layouts')
    .option('--json', 'print the figures as JSON');
  addModelOptions(command).action(async (path: string, options: ModelOptions & { json?: boolean }) => {
    const recording = await readRecording(path);
    const tokenizer = await chatTokenizer();
    const config = { ...MODEL, vocab_size: tokenizer.vocabSize };
    const chunkTokens = options.chunk ?? CHUNK_TOKENS;
    const loaded = await loadModel(
      { name: 'random', randomConfig: config },
      { ...loadOptions(options, signal), chunkTokens },
    );
    // The prompts are those of a model that sees all of its context.
    const model = { info: loaded.info, config: { ...loaded.config, window: CONTEXT }, tokenizer };
    const createSession = loaded.createSession.bind(loaded);
    try {
      await replayAll(recording, { ...model, createSession }, options.json === true, signal);
    } finally {
      await loaded.dispose();
    }
  });
}

async function replayAll(recording: Recording, model: ChatModel, json: boolean, signal: AbortSignal): Promise<void> {
  const edits = recording.files.reduce((sum, file) => sum + file.edits.length, 0);
  if (!json) {
    console.log(`${edits} edits of ${recording.files.length} files; tokens by the starter's tokenizer`);
    console.log('random weights: tokens are counted in the real KV cache, no quality is measured\n');
    console.log(cells(HEADERS));
  }
  const rows: Figures[] = [];
  for (const [layout, open] of Object.entries(LAYOUTS)) {
    const row = { layout, ...(await replay(recording, () => open(model, signal))) };
    rows.push(row);
    if (!json) console.log(rowText(row));
  }
  if (!json) console.log(`\n${rows[0]!.keys} keys; reading in the pauses holds up no key`);
  else console.log(JSON.stringify({ edits, files: recording.files.length, rows }));
}

const LAYOUTS: Record<string, (model: ChatModel, signal: AbortSignal) => Layout> = {
  'whole file, stable parts': wholeFile,
  'short window': shortWindow,
  'whole file, naive': naive,
};

/** What the product does. The user pauses between edits for as long as reading takes. */
function wholeFile(model: ChatModel, signal: AbortSignal): Layout {
  let computed = 0;
  const createSession = (priority?: Priority): ModelSession => {
    const session = model.createSession(priority);
    return {
      generate: session.generate,
      prefill: async (tokens, options) => {
        const result = await session.prefill(tokens, options);
        computed += result.computed;
        return result;
      },
      tokens: session.tokens,
      saveSnapshot: async () => false,
      dispose: () => session.dispose(),
    };
  };
  const document = new DocumentSession({ createSession }, new PrefillSpeed());
  return {
    answer: (key) => completeInDocument(model, document, key, signal),
    pause: async () => {
      const before = computed;
      await document.reader.readNow();
      return computed - before;
    },
    dispose: () => document.dispose(),
  };
}

/** What the product does with a file of which it has read nothing yet. */
function shortWindow(model: ChatModel, signal: AbortSignal): Layout {
  const session = model.createSession();
  return {
    answer: (key) => completeWith(model, session.generate, key, signal),
    pause: async () => 0,
    dispose: () => session.dispose(),
  };
}

/** All before the cursor, then all behind it, at every key. */
function naive({ tokenizer, createSession }: ChatModel, signal: AbortSignal): Layout {
  const session = createSession();
  return {
    answer: async ({ fileName, prefix, suffix }) => {
      const content = `Complete the file ${fileName}.\n<before>\n${prefix}\n</before>\n<after>\n${suffix}\n</after>`;
      const prompt = tokenizer.chat([{ role: 'user', content }], { addGenerationPrompt: true });
      const generation = session.generate(textPrompt(prompt), { maxTokens: 1, stopIds: new Set(), signal });
      await generation[Symbol.asyncIterator]().next();
      return generation.stats;
    },
    pause: async () => 0,
    dispose: () => session.dispose(),
  };
}

function request(place: { fileName: string; prefix: string; suffix: string }): CompletionRequest {
  return { ...place, languageId: 'typescript', maxTokens: 1, multiline: 'auto' };
}

async function replay({ files }: Recording, open: () => Layout): Promise<Omit<Figures, 'layout'>> {
  const counts: Counts[] = [];
  const afterMoves: number[] = [];
  let inPauses = 0;
  for (const file of files) {
    const layout = open();
    let { text } = file;
    for (const { at, remove, insert } of file.edits) {
      inPauses += await layout.pause();
      const suffix = text.slice(at + remove);
      let prefix = text.slice(0, at);
      let moved = true;
      for (const piece of [...(remove > 0 ? [''] : []), ...pieces(insert)]) {
        prefix += piece;
        const key = request({ fileName: file.name, prefix, suffix });
        if (lineMode(cursorAt(key), 'auto') === 'none') continue; // Nothing to complete: the model is not asked.
        const { tokensPrefilled, tokensReused } = await layout.answer(key);
        counts.push({ tokensPrefilled, tokensReused });
        if (moved) afterMoves.push(tokensPrefilled);
        moved = false;
      }
      text = prefix + suffix;
    }
    await layout.dispose();
  }
  if (counts.length === 0) throw new BadRequest('This session has no key at which there is something to complete.');
  return { ...figures(counts), afterMove: percentile(afterMoves, 50), inPauses: inPauses / counts.length };
}

/** What one key after another inserts. */
function pieces(insert: string): string[] {
  const characters = [...insert.slice(0, TYPED_KEYS)];
  return [...characters, ...insert.slice(TYPED_KEYS).split(/(?<=\n)/)].filter((piece) => piece !== '');
}

function figures(counts: readonly Counts[]): Omit<Figures, 'layout' | 'afterMove' | 'inPauses'> {
  const prefilled = counts.map(({ tokensPrefilled }) => tokensPrefilled);
  const computed = prefilled.reduce((sum, tokens) => sum + tokens, 0);
  const reused = counts.reduce((sum, { tokensReused }) => sum + tokensReused, 0);
  return {
    keys: counts.length,
    median: percentile(prefilled, 50),
    percentile95: percentile(prefilled, 95),
    mean: computed / counts.length,
    cacheHits: reused / (reused + computed),
  };
}

function percentile(values: readonly number[], percent: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length * percent) / 100)] ?? 0;
}

const HEADERS = ['tokens prefilled per key', 'median', '95 %', 'mean', 'after a move', 'cache hits', 'in pauses'];
const WIDTHS = HEADERS.map((header) => Math.max(9, header.length + 2));

function rowText(row: Figures): string {
  const { layout, median, percentile95, mean, afterMove, cacheHits, inPauses } = row;
  const share = `${(cacheHits * 100).toFixed(1)} %`;
  return cells([layout, median, percentile95, mean.toFixed(1), afterMove, share, inPauses.toFixed(1)]);
}

function cells(values: readonly (string | number)[]): string {
  return values
    .map((value, i) => (i === 0 ? String(value).padEnd(WIDTHS[0]!) : String(value).padStart(WIDTHS[i]!)))
    .join('');
}

export async function readRecording(path: string): Promise<Recording> {
  const parsed = recordingSchema.safeParse(await readJson(path));
  if (!parsed.success) throw new BadRequest(`${path} is not a recorded editing session.`);
  return parsed.data;
}

/** The starter's tokenizer, with the template of a chat model: those are the prompts that hold whole files. */
async function chatTokenizer(): Promise<Tokenizer> {
  const tokenizerJson = await readJson(join(starterFolder(), 'tokenizer.json'));
  return createTokenizer({ tokenizerJson, tokenizerConfig: {}, chatTemplate: CHAT_TEMPLATE });
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new BadRequest(code === undefined ? `${path} is not valid JSON.` : `${path} cannot be read (${code}).`);
  }
}
