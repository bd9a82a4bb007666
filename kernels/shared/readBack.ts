import type { ReadBack, Tensor } from '../ops.ts';

/** Reads the result of a step after its operations have run. `read` fetches the values of one tensor. */
export async function readBack(
  wanted: Tensor | ReadBack,
  read: (tensor: Tensor) => Float32Array | Promise<Float32Array>,
): Promise<Float32Array> {
  if (!('candidates' in wanted)) return read(wanted);
  const candidates = await read(wanted.candidates);
  if (!wanted.needsLogits(candidates)) return candidates;
  const logits = await read(wanted.logits);
  const both = new Float32Array(candidates.length + logits.length);
  both.set(candidates);
  both.set(logits, candidates.length);
  return both;
}

/** Tensors that must stay readable until the step has been read back. */
export function tensorsOf(wanted: Tensor | ReadBack): Tensor[] {
  return 'candidates' in wanted ? [wanted.candidates, wanted.logits] : [wanted];
}
