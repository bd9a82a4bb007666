/** The engine as a process: one socket, one server, and an end when nobody needs it. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { parseArgs } from 'node:util';
import type { EngineCore } from '../serve/core.ts';
import { inode, listenAlone, release } from './listen.ts';
import { EngineServer } from '../serve/server.ts';

/** How long the engine waits for its first window, and for a next one after the last has gone. */
const FIRST_CLIENT_MS = 10_000;
const NEXT_CLIENT_MS = 3000;
/** Freeing takes milliseconds; a driver that hangs must not keep the process. */
const DISPOSE_MS = 2000;

/**
 * Serves until the last window has gone, then exits. Exits with 0 at once where another engine has the address, with 1
 * and one sentence on stderr where it cannot start.
 */
export async function runEngine(core: EngineCore, version: string): Promise<void> {
  process.on('uncaughtException', (error) => fail(error.stack ?? error.message));
  process.on('unhandledRejection', (reason) => fail(reason instanceof Error ? (reason.stack ?? '') : String(reason)));
  try {
    await start(core, version);
  } catch (error) {
    fail(`The engine could not start: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function start(core: EngineCore, version: string): Promise<void> {
  const { socket, tokenFile, wasmOnly } = readArguments();
  process.umask(0o077);
  const listener = createServer((stream) => server.accept(stream));
  if (!(await listenAlone(listener, socket))) {
    log('Another engine serves this address.');
    process.exit(0);
  }
  const own = inode(socket);
  const end = async (reason: string): Promise<void> => {
    log(`Ending: ${reason}`);
    release(socket, own);
    setTimeout(() => process.exit(0), DISPOSE_MS).unref();
    await server.dispose();
    process.exit(0);
  };
  let timer = setTimeout(() => void end('no window came.'), FIRST_CLIENT_MS);
  const server = new EngineServer(core, {
    version,
    readToken: () => readFileSync(tokenFile, 'utf8'),
    runtime: runtimeName(),
    wasmOnly,
    log,
    onClients: (count, reason) => {
      log(`Windows: ${count} (one ${reason === 'goodbye' ? 'said goodbye' : reason})`);
      clearTimeout(timer);
      if (count > 0) return;
      if (reason === 'goodbye') void end('the last window said goodbye.');
      else timer = setTimeout(() => void end('the last window has gone.'), NEXT_CLIENT_MS);
    },
  });
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => void end(signal));
  log(`Engine ${version} listens (pid ${process.pid}, ${runtimeName()}).`);
}

function readArguments(): { socket: string; tokenFile: string; wasmOnly: string } {
  const { values } = parseArgs({
    options: { socket: { type: 'string' }, 'token-file': { type: 'string' }, 'wasm-only': { type: 'string' } },
  });
  const { socket, 'token-file': tokenFile, 'wasm-only': wasmOnly = '' } = values;
  if (!socket || !tokenFile) throw new Error('--socket and --token-file are needed.');
  return { socket, tokenFile, wasmOnly };
}

function runtimeName(): string {
  const host = process.versions.electron ? `Electron ${process.versions.electron} as Node` : 'Node';
  return `${host} ${process.versions.node}, V8 ${process.versions.v8}, ${process.platform}-${process.arch}`;
}

function fail(message: string): never {
  log(message);
  process.exit(1);
}

/** stderr is the log file that the window opened for this process. */
function log(message: string): void {
  process.stderr.write(`${new Date().toISOString()} [${process.pid}] ${message}\n`);
}
