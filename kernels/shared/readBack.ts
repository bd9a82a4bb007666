import type { StepResult, Tensor } from '../ops.ts';

/** Reads the result of a step after its operations have run. `read` fetches the values of one tensor. */
export async function readBack(
  wanted: StepResult,
  read: (tensor: Tensor) => Float32Array | Promise<Float32Array>,
): Promise<Float32Array> {
  if (isList(wanted)) {
    const parts: Float32Array[] = [];
    for (const tensor of wanted) parts.push(await read(tensor));
    return concatenate(parts);
  }
  if (!('candidates' in wanted)) return read(wanted);
  const candidates = await read(wanted.candidates);
  if (!wanted.needsLogits(candidates)) return candidates;
  return concatenate([candidates, await read(wanted.logits)]);
}

/** Tensors that must stay readable until the step has been read back. */
export function tensorsOf(wanted: StepResult): readonly Tensor[] {
  if (isList(wanted)) return wanted;
  return 'candidates' in wanted ? [wanted.candidates, wanted.logits] : [wanted];
}

function isList(wanted: StepResult): wanted is readonly Tensor[] {
  return Array.isArray(wanted);
}

function concatenate(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
