import type { Recording } from './recording.ts';
import type { Storage, WasmTensor } from '../tensor.ts';

/** Scratch for `length` words of data from the host: whole numbers or f32; in any bank, or for operations of one only. */
export function recordData({ program }: Recording, length: number, _isWhole: boolean, bank?: number): Storage {
  return bank === undefined ? program.storage(4 * length) : program.addresses(bank, 4 * length);
}

export function recordInput(_: Recording, storage: Storage, shape: readonly number[]): WasmTensor {
  return { shape, dtype: 'f32', storage, offset: 0 };
}
