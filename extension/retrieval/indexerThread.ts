/**
 * The thread that keeps the index, and the threads that analyse files for it: one script in two roles. The index answers
 * vscode-jsonrpc calls over the thread's port. No vscode.
 */
import { setPriority } from 'node:os';
import { parentPort, type MessagePort, workerData } from 'node:worker_threads';
import { createMessageConnection, PortMessageReader, PortMessageWriter } from 'vscode-jsonrpc/node';
import { nodeFileSystem } from '../files/nodeFileSystem.ts';
import { withHostFiles } from './hostFiles.ts';
import { ThreadedAnalysers } from './threadedAnalysers.ts';
import { FileAnalyser, type FileToAnalyse } from './fileAnalyser.ts';
import { Indexer } from './indexer.ts';
import type { OpenParams, SearchParams, ThreadData } from './protocol.ts';

const { role, script, grammarFolder } = workerData as ThreadData;
if (!parentPort) throw new Error('This file is started as a thread.');
// The user's own work goes first. Only on Linux does the priority apply to this thread alone, not to the whole host.
if (process.platform === 'linux') setPriority(0, 10);
if (role === 'index') serveIndex(parentPort);
else serveAnalysis(parentPort);

function serveIndex(port: MessagePort): void {
  const connection = createMessageConnection(new PortMessageReader(port), new PortMessageWriter(port));
  const files = withHostFiles(nodeFileSystem, (call) => connection.sendRequest('file', call));
  let indexer: Indexer | undefined;
  const opened = (): Indexer => {
    if (!indexer) throw new Error('The index is not open.');
    return indexer;
  };
  connection.onRequest('open', async (params: OpenParams) => {
    await indexer?.dispose();
    indexer = new Indexer(params, {
      files,
      analysers: new ThreadedAnalysers(files, script, grammarFolder),
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

function serveAnalysis(port: MessagePort): void {
  const analyser = new FileAnalyser(nodeFileSystem, grammarFolder);
  port.on('message', (files: FileToAnalyse[]) => {
    void analyser.analyse(files).then(
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
