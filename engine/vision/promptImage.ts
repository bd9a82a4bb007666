import { type HdSize, hdSize } from './hdSize.ts';
import type { Picture } from './pictureFile.ts';

/** What stands for a picture in prompts. */
export interface PromptImage {
  /** Equal for equal files and crops: such pictures have equal features. */
  readonly key: string;
  readonly size: HdSize;
}

export function promptImage(picture: Picture, mostCrops: number): PromptImage {
  return { key: `${picture.hash} ${mostCrops}`, size: hdSize(picture, mostCrops) };
}

/** Crops that the image encoder computes, the global view among them. */
export function cropsOf({ rows, cols }: HdSize): number {
  return 1 + rows * cols;
}
