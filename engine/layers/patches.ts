/** Width and height of what a CLIP image encoder sees at once, and of its patches, in pixels. */
export const CROP_SIZE = 336;
export const PATCH_SIZE = 14;
export const PATCHES_ACROSS = CROP_SIZE / PATCH_SIZE;
export const PATCHES = PATCHES_ACROSS ** 2;
/** Values of a patch: its pixels in three colours. */
export const PATCH_VALUES = 3 * PATCH_SIZE ** 2;
/** Positions in a row of a crop in the prompt: two by two patches each. */
export const CROP_SIDE = PATCHES_ACROSS / 2;
