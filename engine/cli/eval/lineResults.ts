import { appendFile } from 'node:fs/promises';
import * as z from 'zod';
import type { CutPlace } from './lineCuts.ts';
import { readKeptLines } from './keptLines.ts';

/** What the results of a file depend on. */
export interface LineSettings {
  readonly model: string;
  readonly weights: string;
  readonly suffix: boolean;
  readonly place: CutPlace;
  readonly curve: boolean;
}

const result = z.object({
  shown: z.string(),
  firstMs: z.number(),
  totalMs: z.number(),
  /** For the curve. */
  tokens: z.array(z.object({ text: z.string(), logprob: z.number() })).optional(),
});
const schema = z.object({
  id: z.string(),
  result,
  settings: z.object({
    model: z.string(),
    weights: z.string(),
    suffix: z.boolean(),
    place: z.enum(['anywhere', 'two words']),
    curve: z.boolean(),
  }),
});

/** The completions of cuts so far. With a file, they are kept there as they come, and those of an earlier run taken up. */
export class LineResults {
  readonly #results = new Map<string, z.output<typeof result>>();
  readonly #settings: LineSettings;
  readonly #file: string | undefined;

  private constructor(settings: LineSettings, file: string | undefined) {
    this.#settings = settings;
    this.#file = file;
  }

  /** Rejects with BadRequest for a file that holds no such results, or those of other settings. */
  static async open(settings: LineSettings, file: string | undefined): Promise<LineResults> {
    const results = new LineResults(settings, file);
    const kept = file === undefined ? [] : await readKeptLines(file, schema, settings, describe);
    for (const { id, result } of kept) results.#results.set(id, result);
    return results;
  }

  get(id: string): z.output<typeof result> | undefined {
    return this.#results.get(id);
  }

  async add(id: string, result: z.output<typeof schema>['result']): Promise<void> {
    this.#results.set(id, result);
    if (this.#file === undefined) return;
    await appendFile(this.#file, `${JSON.stringify({ id, result, settings: this.#settings })}\n`);
  }
}

function describe({ model, weights, suffix, place, curve }: LineSettings): string {
  return (
    `${model} with ${weights} weights, ${suffix ? 'with' : 'without'} what follows the line, ` +
    `${place === 'anywhere' ? 'anywhere' : 'behind two words'}${curve ? ', for the curve' : ''}`
  );
}
