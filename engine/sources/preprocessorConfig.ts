import * as z from 'zod';
import { BadModel } from '../errors.ts';
import { COLOUR_DEVIATION, COLOUR_MEAN } from '../models/clipColours.ts';

/** What phi-3-vision-128k has, and a model without the file. */
const MOST_CROPS = 16;

const colours = (wanted: readonly number[]): z.ZodType => {
  const equal = (values: number[]): boolean => values.every((value, i) => Math.abs(value - wanted[i]!) < 1e-6);
  return z
    .array(z.number())
    .length(3)
    .refine(equal, `it is not ${wanted.join(', ')}, which is CLIP's`)
    .optional();
};
const schema = z.object({
  num_crops: z.int().min(1).max(64).default(MOST_CROPS),
  num_img_tokens: z.literal(144).optional(),
  image_mean: colours(COLOUR_MEAN),
  image_std: colours(COLOUR_DEVIATION),
});

/** Reads how many crops a picture has at most from a parsed preprocessor_config.json. Throws BadModel, in one sentence. */
export function parsePreprocessorConfig(json: unknown): { readonly mostCrops: number } {
  const parsed = schema.safeParse(json ?? {});
  if (parsed.success) return { mostCrops: parsed.data.num_crops };
  const { path, message } = parsed.error.issues[0]!;
  throw new BadModel(`preprocessor_config.json: ${path.join('.') || 'the file'}: ${message}.`);
}
