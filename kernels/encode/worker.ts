/** A thread that encodes the rows it is sent, one message at a time (encoders.ts). */
import { parentPort, workerData } from 'node:worker_threads';
import { decodeRows } from '../stored/decodeRows.ts';
import type { StoredType } from '../stored/storedTypes.ts';
import { type EncodedRows, PlainRows, type PlainType } from './plainRows.ts';
import { type WeightedRowsOptions, encodeWeightedRows } from './weightedRows.ts';

/** Rows to be encoded. Their buffer travels to the thread. */
export interface EncodeMessage {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The type in which they are stored. */
  readonly from: StoredType;
  /** A type, for its plain rule; or what weighs the errors. */
  readonly to: PlainType | WeightedRowsOptions;
}

/** An answer of the thread, with the buffer of the rows it was sent. */
export interface EncodeAnswer extends EncodedRows {
  readonly stored: ArrayBuffer;
}

const plainRows = new PlainRows(new WebAssembly.Module(workerData as Uint8Array<ArrayBuffer>));

parentPort!.on('message', ({ bytes, from, to }: EncodeMessage) => {
  const encoded = typeof to === 'string' ? plainRows.encode(bytes, from, to) : weigh(bytes, from, to);
  const answer: EncodeAnswer = { ...encoded, stored: bytes.buffer };
  parentPort!.postMessage(answer, [answer.bytes.buffer, answer.stored]);
});

function weigh(bytes: Uint8Array, from: StoredType, options: WeightedRowsOptions): EncodedRows {
  const { values, largest } = decodeRows(bytes, from);
  return { bytes: encodeWeightedRows(values, options), largest };
}
