import { keptFormat } from '../../kernels/keep.ts';
import type { WeightDType } from '../../kernels/ops.ts';
import { QUANTIZED, bytesPerValue, isQuantized } from '../../kernels/quantize.ts';
import { STORED } from '../../kernels/stored/storedTypes.ts';
import { PATCHES } from '../layers/patches.ts';
import type { DecoderConfig, TensorSpec, WeightSpec } from '../models/decoder.ts';
import type { Checkpoint } from '../sources/checkpoint.ts';
import { storedPieces } from './storedPieces.ts';

/**
 * The format of matrices that are stored in 16 or 32 bits, by the number of parameters: the smaller a model, the more
 * fewer bits cost it, and the less memory they save. Of SmolLM2 (135 million), moved off the grid on which its weights
 * are stored, 8 bits raise the perplexity by 0.1 %, 4 bits by 46 % (test/bench/FIGURES.md).
 */
const DEFAULT_FORMATS: readonly { readonly below: number; readonly format: WeightDType }[] = [
  { below: 50e6, format: 'f16' },
  { below: 1e9, format: 'q8' },
  { below: Infinity, format: 'q4' },
];

/** An image encoder is small beside its decoder, and its features have to be right. */
const ENCODER_FORMAT = 'f16';

/**
 * Gives each tensor its format. What is stored in up to 8 bits is kept: in the smallest format that holds it without
 * rounding it again. Matrices stored in 16 or 32 bits take a format by the model's size. `asked`, where given, counts
 * for all matrices instead. Vectors stay f32. The checkpoint has been compared with the tensors.
 */
export function chooseFormats(
  tensors: readonly TensorSpec[],
  checkpoint: Checkpoint,
  asked: WeightDType | undefined,
): WeightSpec[] {
  if (asked) return withFormats(tensors, asked);
  const parameters = parametersOf(tensors);
  const rounded = withFormats(tensors, DEFAULT_FORMATS.find(({ below }) => parameters < below)!.format);
  return rounded.map((spec) => {
    if (!isMatrix(spec)) return spec;
    const types = storedPieces(checkpoint, spec).map(({ dtype }) => dtype);
    const quantized = types.filter((type) => STORED[type].quantized);
    if (quantized.length === 0) return spec;
    return { ...spec, format: quantized.length === types.length ? keptFormat(...types) : 'f16' };
  });
}

/**
 * Gives each tensor its format where matrices take `format`: vectors stay f32; embedding and head take 8 bits where
 * matrices take fewer, because they cost the most quality and little memory.
 */
export function withFormats(tensors: readonly TensorSpec[], format: WeightDType): WeightSpec[] {
  const embedding = isQuantized(format) && QUANTIZED[format].bits < 8 ? 'q8' : format;
  const encoder = format === 'f32' ? 'f32' : ENCODER_FORMAT;
  const formats = { matrix: format, embedding, encoder, vector: 'f32', bias: 'f32' } as const;
  return tensors.flatMap((tensor) => {
    return tensor.role === 'unused' ? [] : [{ ...tensor, format: formats[tensor.role] }];
  });
}

/** The formats of the matrices, the one that holds most of them first. */
export function matrixFormats(specs: readonly WeightSpec[]): string {
  const bytes = new Map<string, number>();
  for (const spec of specs) {
    if (spec.role === 'matrix') bytes.set(spec.format, (bytes.get(spec.format) ?? 0) + weightBytes([spec]));
  }
  return [...bytes.keys()].sort((a, b) => bytes.get(b)! - bytes.get(a)!).join(', ');
}

/** Bytes of weights that decoding a token reads: all but the embedding, of which it reads a row, unless it is tied. */
export function weightBytesPerToken({ tied }: DecoderConfig, specs: readonly WeightSpec[]): number {
  const decoder = specs.filter(({ role }) => role !== 'encoder');
  return weightBytes(decoder.filter(({ name }) => tied || name !== 'model.embed_tokens.weight'));
}

/** Tokens of a prompt that take as many multiplications as an image encoder's crop. */
export function tokensPerCrop(specs: readonly WeightSpec[]): number {
  const values = (role: WeightSpec['role']): number => parametersOf(specs.filter((spec) => spec.role === role));
  return (PATCHES * values('encoder')) / values('matrix');
}

/** Size in their formats. Backends add some padding. */
export function weightBytes(specs: readonly WeightSpec[]): number {
  return specs.reduce((sum, { shape, format }) => sum + valuesOf(shape) * bytesPerValue(format), 0);
}

/** Number of weights. */
export function parametersOf(tensors: readonly TensorSpec[]): number {
  return tensors.reduce((sum, { shape }) => sum + valuesOf(shape), 0);
}

function isMatrix({ role }: TensorSpec): boolean {
  return role === 'matrix' || role === 'embedding';
}

function valuesOf(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}
