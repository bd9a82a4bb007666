/** One file out of a wheel, which is a zip. */
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { openPromise } from 'yauzl';
import { Cancelled, DownloadFailed, errorMessage } from '../../errors.ts';

export interface Member {
  /** Its path in the wheel. */
  path: string;
  bytes: number;
}

/** Writes a file of a wheel to `target`. Rejects with DownloadFailed if the wheel has no such file of that size, or Cancelled. */
export async function unpackWheel(wheel: string, member: Member, target: string, signal: AbortSignal): Promise<void> {
  try {
    const zip = await openPromise(wheel, { autoClose: false });
    try {
      for await (const entry of zip.eachEntry()) {
        if (entry.fileName !== member.path || entry.uncompressedSize !== member.bytes) continue;
        const content = await zip.openReadStreamPromise(entry);
        await pipeline(content, createWriteStream(target, { mode: 0o600, flush: true }), { signal });
        return;
      }
    } finally {
      zip.close();
    }
  } catch (error) {
    if (signal.aborted) throw new Cancelled();
    const isFull = (error as NodeJS.ErrnoException).code === 'ENOSPC';
    throw new DownloadFailed(isFull ? 'The disk is full.' : `The package cannot be unpacked: ${errorMessage(error)}.`);
  }
  throw new DownloadFailed(`The package contains no ${member.path} of ${member.bytes} bytes.`);
}
