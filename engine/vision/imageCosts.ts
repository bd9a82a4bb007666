import type { ImageCost, ModelInfo } from '../wire/protocol.ts';
import { hdSize } from './hdSize.ts';
import { cropsOf } from './promptImage.ts';

/** How fast a model is on this machine. */
export interface Rates {
  readonly secondsPerCrop: number;
  /** Of a prompt. */
  readonly tokensPerSecond: number;
}

/**
 * What a picture takes with the model's own limit of crops and with each smaller power of two; nothing where it sees
 * none. Without rates no seconds are known.
 */
export function imageCosts(
  { images }: Pick<ModelInfo, 'images'>,
  picture: { readonly width: number; readonly height: number },
  rates: Rates | null,
): ImageCost[] {
  const costs: ImageCost[] = [];
  for (let mostCrops = images?.mostCrops ?? 0; mostCrops >= 1; mostCrops = Math.floor(mostCrops / 2)) {
    const size = hdSize(picture, mostCrops);
    if (size.tokens === costs.at(-1)?.tokens) continue;
    const seconds = rates && cropsOf(size) * rates.secondsPerCrop + size.tokens / rates.tokensPerSecond;
    costs.push({ mostCrops, tokens: size.tokens, seconds });
  }
  return costs;
}
