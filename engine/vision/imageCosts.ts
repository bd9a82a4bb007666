import type { ImageCost, ModelInfo } from '../wire/protocol.ts';
import { hdSize } from './hdSize.ts';

/** What a picture takes with the model's own limit of crops and with each smaller power of two; nothing where it sees none. */
export function imageCosts(
  { images }: Pick<ModelInfo, 'images'>,
  picture: { readonly width: number; readonly height: number },
): ImageCost[] {
  const costs: ImageCost[] = [];
  for (let mostCrops = images?.mostCrops ?? 0; mostCrops >= 1; mostCrops = Math.floor(mostCrops / 2)) {
    const { tokens } = hdSize(picture, mostCrops);
    if (tokens !== costs.at(-1)?.tokens) costs.push({ mostCrops, tokens, seconds: null });
  }
  return costs;
}
