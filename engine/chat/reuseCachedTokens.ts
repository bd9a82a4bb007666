import type { Prompt, PromptImage } from '../prompt/prompt.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';

/**
 * Replaces the beginning of a prompt by the ids that are `cached`, as far as both spell the same text and show the same
 * pictures. A model writes some words in other tokens than its tokenizer would; when a later prompt repeats them, their
 * keys and values are still valid.
 */
export function reuseCachedTokens(
  tokenizer: Pick<Tokenizer, 'bytes' | 'specialIds'>,
  { ids: prompt, images }: Prompt,
  cached: ArrayLike<number>,
): Prompt {
  const moved: PromptImage[] = [];
  let [own, other] = [0, 0];
  for (;;) {
    const image = images[moved.length];
    if (image?.at === own) moved.push({ ...image, at: other });
    if (own >= prompt.length || other >= cached.length) break;
    const met = prompt[own] === cached[other] ? [own + 1, other + 1] : meet(tokenizer, prompt, own, cached, other);
    if (!met) break;
    [own, other] = met as [number, number];
  }
  for (const image of images.slice(moved.length)) moved.push({ ...image, at: image.at - own + other });
  const ids = Int32Array.from([...Array.from({ length: other }, (_, i) => cached[i]!), ...prompt.subarray(own)]);
  return { ids, images: moved };
}

/** The next position at which both have spelled the same text; undefined when they differ or end before. */
function meet(
  { bytes, specialIds }: Pick<Tokenizer, 'bytes' | 'specialIds'>,
  prompt: Int32Array,
  own: number,
  cached: ArrayLike<number>,
  other: number,
): [own: number, other: number] | undefined {
  // Text that looks like the name of a special token is not that token. A picture has no bytes.
  const spell = (id: number | undefined): Uint8Array => (id === undefined || specialIds.has(id) ? NOTHING : bytes(id));
  let [left, right] = [spell(prompt[own++]), spell(cached[other++])];
  while (left.length > 0 && right.length > 0) {
    const length = Math.min(left.length, right.length);
    for (let i = 0; i < length; i++) if (left[i] !== right[i]) return undefined;
    [left, right] = [left.subarray(length), right.subarray(length)];
    if (left.length === 0 && right.length === 0) return [own, other];
    if (left.length === 0) left = spell(prompt[own++]);
    else right = spell(cached[other++]);
  }
  return undefined;
}

const NOTHING = new Uint8Array();
