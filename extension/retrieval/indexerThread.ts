/**
 * The thread that keeps the index, and the threads that read files for it: one bundle, started again with another role.
 * Talks by vscode-jsonrpc over the thread's port. No vscode.
 */
import { setPriority } from 'node:os';
import { parentPort, type MessagePort, workerData } from 'node:worker_threads';
import { createMessageConnection, PortMessageReader, PortMessageWriter } from 'vscode-jsonrpc/node';
import { FileReader, type FileToRead } from './analyseFile.ts';
import { Indexer } from './indexer.ts';
import type { OpenParams, SearchParams } from './protocol.ts';
import { SharedReaders } from './readers.ts';

/** Given to a thread at its start. */
export interface ThreadData {
  role: 'index' | 'read';
  /** This file, as it is built. */
  script: string;
  grammarFolder: string;
}

const { role, script, grammarFolder } = workerData as ThreadData;
if (!parentPort) throw new Error('This file is started as a thread.');
// Behind whatever the user does. Only on Linux does it mean this thread alone, not the whole extension host.
if (process.platform === 'linux') setPriority(0, 10);
if (role === 'index') serveIndex(parentPort);
else serveReading(parentPort);

function serveIndex(port: MessagePort): void {
  const connection = createMessageConnection(new PortMessageReader(port), new PortMessageWriter(port));
  let indexer: Indexer | undefined;
  const opened = (): Indexer => {
    if (!indexer) throw new Error('The index is not open.');
    return indexer;
  };
  connection.onRequest('open', async (params: OpenParams) => {
    await indexer?.dispose();
    indexer = new Indexer(params, {
      readers: new SharedReaders(script, grammarFolder),
      onProgress: (progress) => void connection.sendNotification('progress', progress),
      log: (message) => void connection.sendNotification('log', message),
    });
    await indexer.open();
    return indexer.stats;
  });
  connection.onRequest('rebuild', async () => {
    await opened().rebuild();
    return opened().stats;
  });
  connection.onRequest('search', (params: SearchParams) => opened().search(params));
  connection.onRequest('changed', async (places: string[]) => {
    await opened().changed(places);
    return opened().stats;
  });
  connection.onRequest('close', async () => {
    await indexer?.dispose();
  });
  connection.listen();
}

function serveReading(port: MessagePort): void {
  const reader = new FileReader(grammarFolder);
  port.on('message', (files: FileToRead[]) => {
    void reader.read(files).then(
      (segment) => {
        const arrays = Object.values(segment).filter((part) => ArrayBuffer.isView(part));
        port.postMessage(
          { segment },
          arrays.map((array) => array.buffer as ArrayBuffer),
        );
      },
      (error: unknown) => port.postMessage({ problem: String(error) }),
    );
  });
}
