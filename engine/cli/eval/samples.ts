import { appendFile, readFile, writeFile } from 'node:fs/promises';
import * as z from 'zod';
import { BadRequest, errorMessage } from '../../errors.ts';

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
    if (file !== undefined) await samples.#read(file);
    return samples;
  }

  get(id: string): string | undefined {
    return this.#completions.get(id);
  }

  async add(id: string, completion: string): Promise<void> {
    this.#completions.set(id, completion);
    if (this.#file !== undefined) await appendFile(this.#file, this.#line(id, completion));
  }

  async #read(file: string): Promise<void> {
    const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '';
      throw new BadRequest(`${file} cannot be read (${errorMessage(error)}).`);
    });
    // A run that was killed may have left a part of a line.
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    for (const [i, line] of whole.split('\n').slice(0, -1).entries()) {
      const parsed = schema.safeParse(jsonOf(line));
      if (!parsed.success) throw new BadRequest(`${file}: line ${i + 1} is not a completion of this program.`);
      const { task_id: id, completion, settings } = parsed.data;
      const [theirs, ours] = [settings, this.#settings].map(describe);
      if (theirs !== ours) {
        throw new BadRequest(`${file} has completions of ${theirs}, not of ${ours}; name another file.`);
      }
      this.#completions.set(id, completion);
    }
    if (whole !== text) await writeFile(file, whole);
  }

  #line(id: string, completion: string): string {
    return `${JSON.stringify({ task_id: id, completion, settings: this.#settings })}\n`;
  }
}

function describe({ model, weights, maxTokens }: SampleSettings): string {
  return `${model} with ${weights} weights and at most ${maxTokens} tokens`;
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    return undefined;
  }
}
