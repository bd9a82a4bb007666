import { Worker } from 'node:worker_threads';
import workerSource from 'thread:./cutterThread.ts';
import { BadRequest, Cancelled, throwIfAborted } from '../errors.ts';
import type { CutAnswer, CutRequest } from './cutterThread.ts';

/**
 * Decodes a picture and cuts it, in a thread of its own: the patches of the global view, then those of the crops row by
 * row, (crops, PATCHES, PATCH_VALUES). The thread ends with the picture, whose memory is free then. Rejects with
 * BadRequest where the file is damaged, or with Cancelled at once.
 */
export async function cutPicture(request: CutRequest, signal?: AbortSignal): Promise<Float32Array> {
  throwIfAborted(signal);
  const worker = new Worker(workerSource, { eval: true, name: 'airgap-cut', execArgv: [], workerData: request });
  let stop = (): void => {};
  try {
    return await new Promise<Float32Array>((resolve, reject) => {
      stop = () => reject(new Cancelled());
      signal?.addEventListener('abort', stop, { once: true });
      worker.on('message', (answer: CutAnswer) => {
        if ('patches' in answer) resolve(answer.patches);
        else reject(new BadRequest(answer.refusal));
      });
      worker.on('error', ({ message }) => reject(new Error(`The thread that cuts pictures failed: ${message}`)));
      worker.on('exit', () => reject(new Error('The thread that cuts pictures ended.')));
    });
  } finally {
    signal?.removeEventListener('abort', stop);
    await worker.terminate();
  }
}
