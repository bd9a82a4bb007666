import { CASES } from '../support/attention/table.ts';
import { describeAttentionVariants } from '../support/attention/variants.ts';

const FORMATS = ['f32', 'f16', 'q8'] as const;
const ALL = CASES.flatMap((shape) => FORMATS.map((dtype) => [shape, dtype] as const));

describeAttentionVariants(ALL);
describeAttentionVariants(
  ALL.filter(([{ headDim }]) => headDim >= 96), // Of which baseline limits leave out most.
  { baselineOnly: true },
);
