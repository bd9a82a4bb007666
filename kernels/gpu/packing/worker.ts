/** A thread that packs the rows it is sent and sends all buffers back, one message at a time (packers.ts). */
import { parentPort } from 'node:worker_threads';
import { type PackedRows, type StoredRows, packRows } from './packRows.ts';

/** A job for the thread, and its answer. All buffers travel both ways, so that they can be used again. */
export interface PackMessage {
  readonly rows: StoredRows;
  readonly blocks: ArrayBuffer;
  readonly scales: ArrayBuffer;
}
export interface PackAnswer extends PackedRows {
  readonly stored: ArrayBuffer;
}

parentPort!.on('message', ({ rows, blocks, scales }: PackMessage) => {
  const answer: PackAnswer = { ...packRows(rows, { blocks, scales }), stored: rows.bytes.buffer };
  parentPort!.postMessage(answer, [answer.stored, answer.blocks, answer.scales]);
});
