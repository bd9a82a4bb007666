import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import * as z from 'zod';
import { BadRequest, errorMessage } from '../../errors.ts';

/** A programming problem that a completion solves or not. */
export interface Problem {
  readonly id: string;
  /** Text that the model continues. */
  readonly prompt: string;
  /** The Python program that ends normally only where the completion solves the problem. */
  program(completion: string): string;
}

/** A public benchmark: how its file is read, and what ends a completion. */
export interface Benchmark {
  readonly name: string;
  readonly description: string;
  /** Texts before which a completion ends. */
  readonly stops: readonly string[];
  /** Rejects with BadRequest, in one sentence. */
  read(path: string): Promise<Problem[]>;
}

/** Files are some hundred kilobytes. */
const LARGEST_FILE = 1 << 28;

/** arXiv 2107.03374. Stops as there, and the end of a code block, which models that chat write. */
export const HUMANEVAL: Benchmark = {
  name: 'humaneval',
  description: 'HumanEval: complete 164 Python functions by their signatures and docstrings',
  stops: ['\nclass', '\ndef', '\n#', '\nif', '\nprint', '\n```'],
  read: async (path) => {
    const schema = z.object({ task_id: z.string(), prompt: z.string(), test: z.string(), entry_point: z.string() });
    return (await readRecords(path, schema)).map(({ task_id: id, prompt, test, entry_point: entry }) => ({
      id,
      // Tokens hold a line end with the indentation behind it: behind a lone line end, models write something else.
      prompt: prompt.trimEnd(),
      program: (completion) => `${prompt.trimEnd()}${completion}\n\n${test}\n\ncheck(${entry})\n`,
    }));
  },
};

const FIRST_TEST = 11;
const LAST_TEST = 510;

/** arXiv 2108.07732; the prompt of InCoder (arXiv 2204.05999): the description and the tests as a docstring. */
export const MBPP: Benchmark = {
  name: 'mbpp',
  description: `MBPP: write short Python programs by a sentence and tests; problems ${FIRST_TEST} to ${LAST_TEST} of the file`,
  stops: ['\nclass', '\nassert', '\n"""', '\nprint', '\nif', '\n```'],
  read: async (path) => {
    const schema = z
      .object({
        task_id: z.int(),
        text: z.string().optional(),
        /** The name of `text` in the sanitised file. */
        prompt: z.string().optional(),
        test_list: z.array(z.string()).min(1),
        test_setup_code: z.string().default(''),
        test_imports: z.array(z.string()).default([]),
      })
      .refine(({ text, prompt }) => (text ?? prompt) !== undefined, 'text is missing');
    const records = await readRecords(path, schema);
    return records
      .filter(({ task_id: id }) => id >= FIRST_TEST && id <= LAST_TEST)
      .map(({ task_id: id, text, prompt, test_list: tests, test_setup_code: setup, test_imports: imports }) => ({
        id: `MBPP/${id}`,
        prompt: `"""\n${text ?? prompt}\n${tests.join('\n')}\n"""\n`,
        program: (completion) => [completion, setup, ...imports, ...tests, ''].join('\n'),
      }));
  },
};

/** Reads JSON lines, or one JSON list; either may be compressed by gzip. */
async function readRecords<Schema extends z.ZodType>(path: string, schema: Schema): Promise<z.output<Schema>[]> {
  const values = parse(path, await readText(path));
  if (values.length === 0) throw new BadRequest(`${path} contains no problems.`);
  return values.map((value, i) => {
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    const { path: key, message } = parsed.error.issues[0]!;
    throw new BadRequest(`${path}: problem ${i + 1}: ${[...key, message].join(': ')}.`);
  });
}

async function readText(path: string): Promise<string> {
  try {
    const bytes = await readFile(path);
    const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
    return (isGzip ? gunzipSync(bytes, { maxOutputLength: LARGEST_FILE }) : bytes).toString('utf8');
  } catch (error) {
    throw new BadRequest(`${path} cannot be read (${errorMessage(error)}).`);
  }
}

function parse(path: string, text: string): unknown[] {
  if (text.trimStart().startsWith('[')) return parseJson(path, text) as unknown[];
  const lines = text.split('\n').map((line, i) => [line.trim(), i + 1] as const);
  return lines.filter(([line]) => line !== '').map(([line, number]) => parseJson(`${path}: line ${number}`, line));
}

function parseJson(where: string, text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new BadRequest(`${where} is not valid JSON.`);
  }
}
