/** The engine as a process: one socket, one server, and an exit once no window needs it. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { constants, setPriority } from 'node:os';
import type { Duplex } from 'node:stream';
import { parseArgs } from 'node:util';
import { errorMessage } from '../errors.ts';
import type { ServerOptions } from '../serve/server.ts';
import { countConnection, OWN_PROCESSES } from '../traffic.ts';
import { inode, listenAlone, release } from './listen.ts';

/** Milliseconds that the engine waits for its first window, and for another one after the last has left. */
const FIRST_CLIENT_MS = 10_000;
const NEXT_CLIENT_MS = 3000;
/** Freeing takes milliseconds; a hanging driver must not keep the process alive. */
const DISPOSE_MS = 2000;

/**
 * Serves until the last window has left, then exits. Exits at once with 0 when another engine has the address, and with
 * 1 and one sentence on stderr when it cannot start.
 */
export async function runEngine(version: string, newServer: (options: ServerOptions) => Server): Promise<void> {
  process.on('uncaughtException', (error) => fail(error.stack ?? error.message));
  process.on('unhandledRejection', (reason) => fail(reason instanceof Error ? (reason.stack ?? '') : String(reason)));
  try {
    await start(version, newServer);
  } catch (error) {
    fail(`The engine could not start: ${errorMessage(error)}`);
  }
}

/** Serves the connections of the process. */
interface Server {
  accept(stream: Duplex): void;
  dispose(): Promise<void>;
}

async function start(version: string, newServer: (options: ServerOptions) => Server): Promise<void> {
  const { socket, tokenFile, noGpu } = readArguments();
  process.umask(0o077);
  editorFirst();
  const listener = createServer((stream) => {
    countConnection(OWN_PROCESSES, stream);
    server.accept(stream);
  });
  if (!(await listenAlone(listener, socket))) {
    log('Another engine is running at this address.');
    process.exit(0);
  }
  const own = inode(socket);
  const end = async (reason: string): Promise<void> => {
    log(`Exiting: ${reason}`);
    release(socket, own);
    setTimeout(() => process.exit(0), DISPOSE_MS).unref();
    await server.dispose();
    process.exit(0);
  };
  let timer = setTimeout(() => void end('no window connected.'), FIRST_CLIENT_MS);
  const server = newServer({
    version,
    readToken: () => readFileSync(tokenFile, 'utf8'),
    runtime: runtimeName(),
    noGpu,
    log,
    onClients: (count, reason) => {
      log(`Windows: ${count} (one ${reason === 'goodbye' ? 'said goodbye' : reason})`);
      clearTimeout(timer);
      if (count > 0) return;
      if (reason === 'goodbye') void end('the last window said goodbye.');
      else timer = setTimeout(() => void end('the last window left.'), NEXT_CLIENT_MS);
    },
  });
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => void end(signal));
  log(`Engine ${version} is listening (pid ${process.pid}, ${runtimeName()}).`);
}

/**
 * Gives the editor's own processes the processor first: a key, and the text that it brings, wait for them too, and they
 * need little. The engine's threads inherit it.
 */
function editorFirst(): void {
  try {
    setPriority(0, constants.priority.PRIORITY_BELOW_NORMAL);
  } catch (error) {
    log(`The engine keeps its priority: ${errorMessage(error)}`);
  }
}

function readArguments(): { socket: string; tokenFile: string; noGpu: string } {
  const { values } = parseArgs({
    options: { socket: { type: 'string' }, 'token-file': { type: 'string' }, 'wasm-only': { type: 'string' } },
  });
  const { socket, 'token-file': tokenFile, 'wasm-only': noGpu = '' } = values;
  if (!socket || !tokenFile) throw new Error('--socket and --token-file are required.');
  return { socket, tokenFile, noGpu };
}

function runtimeName(): string {
  const host = process.versions.electron ? `Electron ${process.versions.electron} as Node` : 'Node';
  return `${host} ${process.versions.node}, V8 ${process.versions.v8}, ${process.platform}-${process.arch}`;
}

function fail(message: string): never {
  log(message);
  process.exit(1);
}

/** Writes to stderr, which is the log file that the window opened for this process. */
function log(message: string): void {
  process.stderr.write(`${new Date().toISOString()} [${process.pid}] ${message}\n`);
}
