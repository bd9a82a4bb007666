import type { ReadBack, Tensor } from '../ops.ts';

/** What a step resolves with, once its operations ran; `read` brings the values of one tensor. */
export async function readBack(
  wanted: Tensor | ReadBack,
  read: (tensor: Tensor) => Float32Array | Promise<Float32Array>,
): Promise<Float32Array> {
  if (!('first' in wanted)) return read(wanted);
  const first = await read(wanted.first);
  if (!wanted.wantsMore(first)) return first;
  const more = await read(wanted.more);
  const both = new Float32Array(first.length + more.length);
  both.set(first);
  both.set(more, first.length);
  return both;
}

/** The tensors that it may bring. */
export function tensorsOf(wanted: Tensor | ReadBack): Tensor[] {
  return 'first' in wanted ? [wanted.first, wanted.more] : [wanted];
}
