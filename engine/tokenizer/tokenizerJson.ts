import { z } from 'zod';
import type { AddedToken } from './addedTokens.ts';

const MOST_IDS = 1 << 24;
/** Texts are searched for all names at once; released models have at most 7,000. */
const MOST_ADDED = 1 << 16;
const LONGEST_NAME = 1000;

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
/** Checked with a plain loop, since vocabularies have 100,000 entries. */
const vocabulary = z.custom<Record<string, number>>(
  (value) => isObject(value) && Object.values(value).every((id) => Number.isInteger(id) && id >= 0 && id < MOST_IDS),
  'must map every token to its id',
);
const merges = z.custom<string[] | [string, string][]>(
  (value) => Array.isArray(value) && value.every((m) => (typeof m === 'string' ? m.includes(' ') : m?.length === 2)),
  'must be a list of pairs',
);
/** Marks inside of words, which no supported model has. */
const noAffix = z.literal('', 'must be empty').nullish();
const part = z.looseObject({ type: z.string() }).nullable().default(null);
/** The parts of tokenizer.json that are used. */
export const tokenizerSchema = z.looseObject({
  model: z.looseObject({
    type: z.literal('BPE').default('BPE'),
    vocab: vocabulary,
    merges,
    byte_fallback: z.boolean().nullish(),
    unk_token: z.string().nullish(),
    fuse_unk: z.boolean().nullish(),
    ignore_merges: z.boolean().nullish(),
    continuing_subword_prefix: noAffix,
    end_of_word_suffix: noAffix,
  }),
  added_tokens: z
    .array(
      z.looseObject({
        id: z.int().nonnegative().max(MOST_IDS),
        content: z.string().min(1).max(LONGEST_NAME),
        lstrip: z.boolean().default(false),
        rstrip: z.boolean().default(false),
        special: z.boolean().default(true),
      }),
    )
    .max(MOST_ADDED) satisfies z.ZodType<AddedToken[]>,
  normalizer: part,
  pre_tokenizer: part,
  post_processor: part,
  decoder: part,
});
export type TokenizerJson = z.infer<typeof tokenizerSchema>;
