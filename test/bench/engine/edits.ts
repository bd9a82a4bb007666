import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { root } from '../../../.ci/nodeBinary.mjs';
import { type ModelOptions, addModelOptions, loadOptions } from '../../../engine/cli/options.ts';
import { type Column, rowFormatter } from '../../../engine/cli/table.ts';
import type { CompletionRequest } from '../../../engine/completion/completeAt.ts';
import { cursorAt } from '../../../engine/completion/cursor.ts';
import { lineMode } from '../../../engine/completion/lineMode.ts';
import { BadRequest } from '../../../engine/errors.ts';
import { type LoadOptions, loadModel } from '../../../engine/load/loadModel.ts';
import { createTokenizer, type Tokenizer } from '../../../engine/tokenizer/tokenizer.ts';
import { type Counts, type EditedModel, LAYOUTS, type Layout } from './editLayouts.ts';
import { type Recording, readRecording } from './recording.ts';

/** Number of keys that are typed one by one per insertion. The rest follows line by line, as accepted completions do. */
const TYPED_KEYS = 24;

const CONTEXT = 16_384;
/**
 * The counts do not depend on what is computed. So this is the smallest model that the engine takes, with a window of
 * attention that makes long prompts cheap. The vocabulary is the starter's.
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

/** Chat template of phi-3-mini. */
const CHAT_TEMPLATE =
  "{% for m in messages %}{{'<|' + m['role'] + '|>\\n' + m['content'] + '<|end|>\\n'}}{% endfor %}" +
  "{% if add_generation_prompt %}{{'<|assistant|>\\n'}}{% endif %}";

/** Tokens prefilled per key with one prompt layout. */
export interface EditsRow {
  layout: string;
  keys: number;
  median: number;
  percentile95: number;
  mean: number;
  /** Median of the first key after the cursor moved. */
  afterMove: number;
  /** Share of the prompts' tokens that was found in the cache. */
  cacheHits: number;
  /** Mean number of tokens per key that were computed in the pauses. */
  inPauses: number;
}

const COLUMNS: readonly Column<EditsRow>[] = [
  { title: 'tokens prefilled per key', width: 26, text: ({ layout }) => layout },
  { title: 'keys', width: 6, text: ({ keys }) => String(keys) },
  { title: 'median', width: 9, text: ({ median }) => String(median) },
  { title: '95 %', width: 9, text: ({ percentile95 }) => String(percentile95) },
  { title: 'mean', width: 9, text: ({ mean }) => mean.toFixed(1) },
  { title: 'after a move', text: ({ afterMove }) => String(afterMove) },
  { title: 'cache hits', text: ({ cacheHits }) => `${(cacheHits * 100).toFixed(1)} %` },
  { title: 'in pauses', text: ({ inPauses }) => inPauses.toFixed(1) },
];

/** `npm run bench:edits`: tokens prefilled per keystroke of a recorded editing session. */
export function addEdits(program: Command, signal: AbortSignal): void {
  const command = program
    .command('edits <recording>')
    .description('replay an editing session and print the tokens prefilled per keystroke, for several prompt layouts')
    .option('--json', 'print the figures as JSON')
    .option('--markdown', 'print a Markdown table');
  addModelOptions(command).action(
    async (path: string, options: ModelOptions & { json?: boolean; markdown?: boolean }) => {
      const recording = await readRecording(path);
      const edits = recording.files.reduce((sum, file) => sum + file.edits.length, 0);
      const say = (text: string): void => void (options.json || console.log(text));
      say(`${edits} edits of ${recording.files.length} files; tokens by the starter's tokenizer`);
      say('random weights: tokens are counted in the real KV cache, no quality is measured\n');
      const text = rowFormatter(COLUMNS, options.markdown ? 'markdown' : 'table');
      const rows: EditsRow[] = [];
      const load = { ...loadOptions(options, signal), chunkTokens: options.chunk ?? CHUNK_TOKENS };
      for await (const row of replayEdits(recording, load, signal)) {
        say(text(row));
        rows.push(row);
      }
      say('\nthe tokens computed in the pauses hold up no key');
      if (options.json) console.log(JSON.stringify({ edits, files: recording.files.length, rows }));
    },
  );
}

/** Replays the session with each layout. Rejects with BadRequest where it has no key at which the model is asked. */
export async function* replayEdits(
  recording: Recording,
  load: LoadOptions,
  signal: AbortSignal,
): AsyncGenerator<EditsRow> {
  const tokenizer = chatTokenizer();
  const randomConfig = { ...MODEL, vocab_size: tokenizer.vocabSize };
  const loaded = await loadModel({ name: 'random', randomConfig }, load);
  try {
    // The prompts are those of a larger model whose attention covers the whole context.
    const config = { ...loaded.config, completionPrompt: 'instruct' as const, windows: [CONTEXT] };
    const model: EditedModel = { ...loaded, config, tokenizer };
    for (const [layout, open] of Object.entries(LAYOUTS)) {
      yield { layout, ...(await replay(recording, () => open(model, signal))) };
    }
  } finally {
    await loaded.dispose();
  }
}

async function replay({ files }: Recording, open: () => Layout): Promise<Omit<EditsRow, 'layout'>> {
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
  if (counts.length === 0) throw new BadRequest('The session has no key at which there is something to complete.');
  return { ...figures(counts), afterMove: percentile(afterMoves, 50), inPauses: inPauses / counts.length };
}

function request(place: { fileName: string; prefix: string; suffix: string }): CompletionRequest {
  return { ...place, languageId: 'typescript', maxTokens: 1, multiline: 'auto' };
}

/** The text that each key inserts, one after another. */
function pieces(insert: string): string[] {
  const characters = [...insert.slice(0, TYPED_KEYS)];
  return [...characters, ...insert.slice(TYPED_KEYS).split(/(?<=\n)/)].filter((piece) => piece !== '');
}

function figures(counts: readonly Counts[]): Omit<EditsRow, 'layout' | 'afterMove' | 'inPauses'> {
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

/** The starter's tokenizer with a chat model's template, since only chat prompts hold whole files. */
function chatTokenizer(): Tokenizer {
  const tokenizerJson: unknown = JSON.parse(readFileSync(join(root, 'media/starter/tokenizer.json'), 'utf8'));
  return createTokenizer({ tokenizerJson, tokenizerConfig: {}, chatTemplate: CHAT_TEMPLATE });
}
