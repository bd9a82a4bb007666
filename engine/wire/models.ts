/**
 * What the terminal program prints about models with `--json`: one object per line. The extension runs it as a child
 * process and checks every line with these schemas.
 *
 *   airgap models [PATH...]        the bundled model, the stores, and the models at PATH
 *   airgap models --all [PATH...]  also what other programs keep on this disk: the user has asked for it
 *   airgap import PATH, verify NAME, remove NAME --yes
 *
 * NAME is the id in the store, or another name of the model there.
 */
import * as z from 'zod';

/** A model on this computer, as `airgap models` lists it. */
export const listedModel = z.object({
  /** What a setting takes: the absolute path of a file or folder. */
  path: z.string(),
  name: z.string(),
  /** Who keeps it on this disk. */
  place: z.enum([
    'bundled',
    'store',
    'sharedStore',
    'ollama',
    'lmStudio',
    'huggingFace',
    'gpt4all',
    'jan',
    'llamaCpp',
    'named',
  ]),
  /** The store's id; null for a model that lies elsewhere. */
  id: z.string().nullable(),
  /** Whether the store only refers to files that lie elsewhere, or has files of its own; null outside of the store. */
  origin: z.enum(['reference', 'packed', 'downloaded']).nullable(),
  /** File format and number format, for example "GGUF Q4_K" or "safetensors BF16". */
  kind: z.string(),
  /** Size of its files. */
  bytes: z.number(),
  /** Longest context that it would get on this machine, in tokens; null where that is not known. */
  contextLength: z.number().nullable(),
  /** Weights, KV cache of that context and scratch memory. */
  memoryBytes: z.number().nullable(),
  /** Decoded tokens per second, estimated from this machine's measured memory bandwidth. */
  tokensPerSecond: z.number().nullable(),
  /** Whether it has a chat template. */
  chat: z.boolean(),
  licence: z.string().nullable(),
  /** `verified`: as the catalogue says; `stated`: as the hub itself said; `changed`: no longer what was stored. */
  hash: z.enum(['verified', 'stated', 'changed', 'unchecked']),
  /** Why it cannot run here, in one sentence; null where it can. */
  problem: z.string().nullable(),
});
export type ListedModel = z.output<typeof listedModel>;

/** One line of a program that runs for a while: any number of `progress`, then one `done` or `failed`. */
export const modelLine = z.discriminatedUnion('type', [
  z.object({ type: z.literal('progress'), step: z.string(), doneBytes: z.number(), totalBytes: z.number() }),
  z.object({
    type: z.literal('done'),
    models: z.array(listedModel),
    /** Sentences about what could not be looked at, and about damage that was mended. */
    notes: z.array(z.string()).optional(),
  }),
  z.object({ type: z.literal('failed'), message: z.string() }),
]);
export type ModelLine = z.output<typeof modelLine>;
