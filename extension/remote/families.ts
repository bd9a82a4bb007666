/** What the name of a served model tells, since the API tells nothing else of it. Pure. */
import { hdSize } from '../../engine/vision/hdSize.ts';
import type { ImageCost } from '../../engine/wire/protocol.ts';

/** As vLLM cuts pictures for Phi-3-vision where nothing else is asked for. */
export const MOST_CROPS = 16;

const VISION =
  /vision|llava|pixtral|internvl|multimodal|minicpm-v|gemma-?3-(?:4|12|27)b|molmo|\bvl\b|[-_]vl[-_\d.]|vl\d?-/i;

/** Whether models of this name see pictures. */
export function seesPictures(model: string): boolean {
  return VISION.test(model);
}

/** What a picture takes: exact for Phi-3-vision, an estimate for others. */
export function imageCost(picture: { readonly width: number; readonly height: number }): ImageCost {
  return { mostCrops: MOST_CROPS, tokens: hdSize(picture, MOST_CROPS).tokens, seconds: null };
}

/** The marks of fill-in-the-middle by the names of models that were trained with them. */
const FILL_IN: readonly [name: RegExp, marks: readonly string[]][] = [
  [/qwen.*code|codeqwen/i, ['<|fim_prefix|>', '<|fim_suffix|>', '<|fim_middle|>', '<|file_sep|>']],
  [/starcoder|santacoder|granite.*code|stable-?code/i, ['<fim_prefix>', '<fim_suffix>', '<fim_middle>']],
  [/deepseek-?coder/i, ['<\uFF5Cfim\u2581begin\uFF5C>', '<\uFF5Cfim\u2581hole\uFF5C>', '<\uFF5Cfim\u2581end\uFF5C>']],
];

/** The marks with which models of this name fill in; none where they do not. */
export function fillInMarks(model: string): readonly string[] {
  return FILL_IN.find(([name]) => name.test(model))?.[1] ?? [];
}
