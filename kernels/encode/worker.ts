/** A thread that encodes the rows it is sent, one message at a time (encoders.ts). */
import { parentPort } from 'node:worker_threads';
import { decodeRows } from '../stored/decodeRows.ts';
import type { StoredType } from '../stored/storedTypes.ts';
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

parentPort!.on('message', ({ bytes, from, to }: EncodeMessage) => {
  const { values, largest } = decodeRows(bytes, from);
  const encoded = typeof to === 'string' ? encodePlainRows(values, to) : encodeWeightedRows(values, to);
  const answer: EncodedRows = { bytes: encoded, largest };
  parentPort!.postMessage(answer, [answer.bytes.buffer]);
});
