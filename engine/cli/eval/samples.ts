import { appendFile } from 'node:fs/promises';
import * as z from 'zod';
import { readKeptLines } from './keptLines.ts';

/** What the completions of a file depend on. */
export interface SampleSettings {
  readonly model: string;
  readonly weights: string;
  readonly maxTokens: number;
}

const schema = z.object({
  task_id: z.string(),
  completion: z.string(),
  settings: z.object({ model: z.string(), weights: z.string(), maxTokens: z.int() }),
});

/**
 * The completions so far, as JSON lines with the fields of HumanEval's own tools. With a file, they are kept there as
 * they come, and those of an earlier run are taken up again.
 */
export class Samples {
  readonly #completions = new Map<string, string>();
  readonly #settings: SampleSettings;
  readonly #file: string | undefined;

  private constructor(settings: SampleSettings, file: string | undefined) {
    this.#settings = settings;
    this.#file = file;
  }

  /** Rejects with BadRequest for a file that is no list of completions, or one of other settings. */
  static async open(settings: SampleSettings, file: string | undefined): Promise<Samples> {
    const samples = new Samples(settings, file);
    const kept = file === undefined ? [] : await readKeptLines(file, schema, settings, describe);
    for (const { task_id: id, completion } of kept) samples.#completions.set(id, completion);
    return samples;
  }

  get(id: string): string | undefined {
    return this.#completions.get(id);
  }

  async add(id: string, completion: string): Promise<void> {
    this.#completions.set(id, completion);
    if (this.#file !== undefined) await appendFile(this.#file, this.#line(id, completion));
  }

  #line(id: string, completion: string): string {
    return `${JSON.stringify({ task_id: id, completion, settings: this.#settings })}\n`;
  }
}

function describe({ model, weights, maxTokens }: SampleSettings): string {
  return `${model} with ${weights} weights and at most ${maxTokens} tokens`;
}
