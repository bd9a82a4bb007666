import type { Checkpoint } from '../sources/checkpoint.ts';

const HEAD = 'lm_head.weight';
const EMBEDDING = 'model.embed_tokens.weight';
/** Bytes compared at a time. */
const CHUNK_BYTES = 2 << 20;

/** As hasOwnHead, without reading weights: a head that is stored counts as one of its own. */
export function storesHead({ tensors }: Checkpoint): boolean {
  return tensors.has(HEAD) && tensors.has(EMBEDDING);
}

/**
 * Whether a checkpoint stores a head of its own beside an embedding that says something else. A tied head is sometimes
 * stored twice; where the two differ, the head was trained although config.json calls it tied, and transformers 5 takes
 * it as well. Rejects with BadModel.
 */
export async function hasOwnHead(checkpoint: Checkpoint): Promise<boolean> {
  const head = checkpoint.tensors.get(HEAD);
  const embedding = checkpoint.tensors.get(EMBEDDING);
  if (!head || !embedding) return false;
  if (head.dtype !== embedding.dtype || head.shape.join() !== embedding.shape.join()) return true;
  for (let from = 0; from < head.bytes; from += CHUNK_BYTES) {
    const [a, b] = [HEAD, EMBEDDING].map(async (name) => {
      const bytes = Buffer.alloc(Math.min(CHUNK_BYTES, head.bytes - from));
      await checkpoint.read(name, from, bytes);
      return bytes;
    });
    if (!(await a!).equals(await b!)) return true;
  }
  return false;
}
