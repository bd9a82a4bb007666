/** A thread that packs the rows it is sent and sends them back, one message at a time (packers.ts). */
import { parentPort } from 'node:worker_threads';
import { type StoredRows, packRows } from './packRows.ts';

parentPort!.on('message', (rows: StoredRows) => {
  const packed = packRows(rows);
  parentPort!.postMessage(packed, [packed.blocks, packed.scales]);
});
