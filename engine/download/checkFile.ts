/** Whether a downloaded file has the hash that it should have. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Cancelled } from '../errors.ts';
import type { RemoteFile } from './hub.ts';

/** True as well where neither catalogue nor hub has stated a hash. Rejects with Cancelled. */
export async function checkFile(
  { sha256, gitHash }: Pick<RemoteFile, 'sha256' | 'gitHash'>,
  path: string,
  { signal, onChecked }: { signal: AbortSignal; onChecked?: (bytes: number) => void },
): Promise<boolean> {
  if (!sha256 && !gitHash) return true;
  const hash = createHash(sha256 ? 'sha256' : 'sha1');
  // Git hashes a file together with its type and size.
  if (!sha256) hash.update(`blob ${(await stat(path)).size}\0`);
  let bytes = 0;
  try {
    for await (const chunk of createReadStream(path, { signal, highWaterMark: 2 ** 20 }) as AsyncIterable<Buffer>) {
      hash.update(chunk);
      bytes += chunk.length;
      onChecked?.(bytes);
    }
  } catch (error) {
    throw signal.aborted ? new Cancelled() : error;
  }
  return hash.digest('hex') === (sha256 ?? gitHash);
}
