/** How long the command buffers take that a step on a GPU submits. */
import { loadDawn } from '../../../kernels/gpu/device/dawn.ts';

/** Milliseconds of each, from the end of the one before to its own, as the host sees them. */
export async function submissionTimes(step: () => Promise<unknown>): Promise<number[]> {
  const prototype = loadDawn().globals['GPUQueue']!.prototype as GPUQueue;
  const { submit } = prototype;
  const ends: Promise<number>[] = [];
  prototype.submit = function (this: GPUQueue, buffers) {
    submit.call(this, buffers);
    ends.push(this.onSubmittedWorkDone().then(() => performance.now()));
    return undefined;
  };
  const started = performance.now();
  try {
    await step();
  } finally {
    prototype.submit = submit;
  }
  const at = [started, ...(await Promise.all(ends))];
  return at.slice(1).map((end, i) => end - at[i]!);
}
