/** CLIP's mean and standard deviation of the colours, by which pictures are normalised. */
export const COLOUR_MEAN = [0.48145466, 0.4578275, 0.40821073] as const;
export const COLOUR_DEVIATION = [0.26862954, 0.26130258, 0.27577711] as const;
