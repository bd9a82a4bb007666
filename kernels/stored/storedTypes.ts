import { BF16 } from './bf16.ts';
import { F16 } from './f16.ts';
import { F32 } from './f32.ts';
import type { StoredFormat } from './storedFormat.ts';

/** Number formats of released checkpoints, by the names that safetensors gives them. All are little-endian. */
export const STORED = { F32, F16, BF16 } satisfies Record<string, StoredFormat>;

export type StoredType = keyof typeof STORED;

export function isStoredType(name: string): name is StoredType {
  return Object.hasOwn(STORED, name);
}

/** Bytes that `values` values of a whole number of blocks take. */
export function storedBytes(values: number, type: StoredType): number {
  const { blockValues, blockBytes } = STORED[type];
  return (values / blockValues) * blockBytes;
}

/** Values in `bytes` bytes; no whole number where they do not end with a block. */
export function storedValues(bytes: number, type: StoredType): number {
  const { blockValues, blockBytes } = STORED[type];
  return (bytes / blockBytes) * blockValues;
}
