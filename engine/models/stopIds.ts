import * as z from 'zod';
import { parseConfig } from './config.ts';

const id = z.int().nonnegative();
const schema = z.object({
  eos_token_id: z.union([id, z.array(id)], 'it is neither an id nor a list of ids').nullish(),
});

/** Reads eos_token_id of config.json, a number or a list. Throws BadModel. */
export function parseStopIds(json: unknown): readonly number[] {
  return [parseConfig(schema, json).eos_token_id ?? []].flat();
}
