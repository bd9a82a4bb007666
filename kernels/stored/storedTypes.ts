import { BF16 } from './bf16.ts';
import { F16 } from './f16.ts';
import { F32 } from './f32.ts';
import { IQ4_NL } from './iq4NL.ts';
import { IQ4_XS } from './iq4XS.ts';
import { Q2_K } from './q2K.ts';
import { Q3_K } from './q3K.ts';
import { Q4_0 } from './q4_0.ts';
import { Q4_1 } from './q4_1.ts';
import { Q4_K } from './q4K.ts';
import { Q5_0 } from './q5_0.ts';
import { Q5_1 } from './q5_1.ts';
import { Q5_K } from './q5K.ts';
import { Q6_K } from './q6K.ts';
import { Q8_0 } from './q8_0.ts';
import type { StoredFormat } from './storedFormat.ts';

/** Number formats of released checkpoints, by the names that safetensors and GGUF give them. All are little-endian. */
export const STORED = {
  F32,
  F16,
  BF16,
  Q8_0,
  Q4_0,
  Q4_1,
  Q5_0,
  Q5_1,
  Q2_K,
  Q3_K,
  Q4_K,
  Q5_K,
  Q6_K,
  IQ4_NL,
  IQ4_XS,
} satisfies Record<string, StoredFormat>;

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
