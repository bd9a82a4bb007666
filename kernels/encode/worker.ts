/** A thread that encodes the rows it is sent, one message at a time (encoders.ts). */
import { parentPort } from 'node:worker_threads';
import { largestMagnitude } from '../stored/decodeRows.ts';
import { STORED, type StoredType, storedValues } from '../stored/storedTypes.ts';
import { type PlainType, encodePlainRows } from './plainRows.ts';
import { type WeightedRowsOptions, encodeWeightedRows } from './weightedRows.ts';

/** Rows to be encoded. Their buffer travels to the thread. */
export interface EncodeMessage {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The type in which they are stored. */
  readonly from: StoredType;
  /** A type, for its plain rule; or what weighs the errors. */
  readonly to: PlainType | WeightedRowsOptions;
}

export interface EncodedRows {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The largest magnitude; not finite where a value is not, and then the bytes mean nothing. */
  readonly largest: number;
}

/** An answer of the thread, with the buffer of the rows it was sent. */
export interface EncodeAnswer extends EncodedRows {
  readonly stored: ArrayBuffer;
}

let values = new Float32Array(0);

parentPort!.on('message', ({ bytes, from, to }: EncodeMessage) => {
  const count = storedValues(bytes.length, from);
  if (values.length !== count) values = new Float32Array(count); // The same room for pieces of the same length.
  STORED[from].decode(bytes, values);
  const encoded =
    typeof to === 'string'
      ? encodePlainRows(values, to)
      : { bytes: encodeWeightedRows(values, to), largest: largestMagnitude(values) };
  const answer: EncodeAnswer = { ...encoded, stored: bytes.buffer };
  parentPort!.postMessage(answer, [answer.bytes.buffer, answer.stored]);
});
