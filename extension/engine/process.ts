/** Finds the user's engine process or starts it, and introduces this window. No vscode here. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, statSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { countConnection, OWN_PROCESSES } from '../../engine/traffic.ts';
import { EngineFailure } from '../../engine/wire/failure.ts';
import { RpcClient } from '../../engine/wire/rpc.ts';
import { errorMessage } from '../common/errorMessage.ts';
import { type EngineAddress, prepareAddress } from './address.ts';
import { type Runtime, type RuntimeChoice, WASM_ONLY_REASON } from './runtime.ts';

export interface Launch {
  readonly engineFile: string;
  /** Options of the program that runs the engine, such as --inspect. */
  readonly nodeOptions?: readonly string[];
  readonly version: string;
  readonly address: EngineAddress;
  readonly choice: RuntimeChoice;
  readonly log: (message: string) => void;
}

export interface Connected {
  readonly client: RpcClient;
  readonly pid: number;
  /** Why a better runtime was not taken, as far as this window knows; one sentence each. */
  readonly notes: readonly string[];
}

interface Started {
  readonly socket: Socket;
  readonly child?: ChildProcess;
}

const POLL_MS = 30;
/** A cold start takes about a second; a loaded machine several. */
const START_MS = 20_000;
const MAX_LOG_BYTES = 1_000_000;
/** An engine that was about to end may still accept a connection. */
const ATTEMPTS = 3;

/** Rejects with one sentence where no engine can be reached. */
export async function connectEngine(launch: Launch): Promise<Connected> {
  const { address, version } = launch;
  const notes = [...launch.choice.notes];
  for (let attempt = 1; ; attempt++) {
    const token = prepareAddress(address);
    const running = await tryConnect(address.socket);
    const { socket, child } = running ? { socket: running } : await startOne(launch, notes);
    const client = new RpcClient(socket);
    try {
      const { pid } = await client.call('initialize', { version, token }, { signal: AbortSignal.timeout(START_MS) });
      // Another window was faster. Ours would find that out by itself, or, if that one ends first, wait for nobody.
      if (child?.pid !== pid) child?.kill();
      return { client, pid, notes };
    } catch (error) {
      client.close('The engine refused this window.');
      const kind = error instanceof EngineFailure ? error.kind : undefined;
      if (kind === 'cancelled') throw hangs(child);
      if (kind !== 'engineGone' || attempt === ATTEMPTS) throw error;
      await delay(POLL_MS);
    }
  }
}

/** Ends it where it is ours; whose it is otherwise, nobody knows but the system. */
function hangs(child: ChildProcess | undefined): EngineFailure {
  child?.kill('SIGKILL');
  const remedy = child ? '' : ' End the process engine.cjs in the task manager, then restart the engine.';
  const message = `The engine did not respond within ${START_MS / 1000} s.${remedy}`;
  return new EngineFailure({ kind: 'engineGone', message });
}

/** Adds to `notes` what did not work. */
async function startOne(launch: Launch, notes: string[]): Promise<Started> {
  for (const runtime of launch.choice.runtimes) {
    try {
      return await startAndConnect(launch, runtime);
    } catch (error) {
      const problem = `${runtime.program} cannot run the engine: ${errorMessage(error)}`;
      launch.log(problem);
      notes.push(problem);
    }
  }
  throw new Error(`The engine could not be started. ${notes.at(-1) ?? ''}`.trim());
}

async function startAndConnect(launch: Launch, runtime: Runtime): Promise<Started> {
  const child = spawnEngine(launch, runtime);
  let failure: Error | undefined;
  child.once('error', (error: NodeJS.ErrnoException) => {
    failure = new Error(startProblem(error));
  });
  child.once('exit', (code, signal) => {
    // 0: another window's engine has the address; it will answer.
    if (code !== 0) failure ??= new Error(exitProblem(code, signal, launch.address.logFile));
  });
  const deadline = Date.now() + START_MS;
  while (!failure && Date.now() < deadline) {
    const socket = await tryConnect(launch.address.socket);
    if (socket) {
      launch.log(`Engine started on ${runtime.program}.`);
      return { socket, child };
    }
    await delay(POLL_MS);
  }
  if (!failure) child.kill();
  throw failure ?? new Error(`it did not respond within ${START_MS / 1000} s.`);
}

function spawnEngine({ engineFile, nodeOptions = [], address }: Launch, runtime: Runtime): ChildProcess {
  const args = [...nodeOptions, engineFile, '--socket', address.socket, '--token-file', address.tokenFile];
  if (runtime.electronAsNode) args.push('--wasm-only', WASM_ONLY_REASON);
  const env: NodeJS.ProcessEnv = { ...process.env };
  delete env['ELECTRON_RUN_AS_NODE'];
  if (runtime.electronAsNode) env['ELECTRON_RUN_AS_NODE'] = '1';
  const log = openLog(address.logFile);
  try {
    // Detached: it serves other windows when this one is gone, and no Ctrl-C of a terminal reaches it.
    const child = spawn(runtime.program, args, {
      cwd: address.directory,
      detached: true,
      env,
      stdio: ['ignore', log, log],
      windowsHide: true,
    });
    child.unref();
    return child;
  } catch (error) {
    throw new Error(startProblem(error as NodeJS.ErrnoException));
  } finally {
    closeSync(log);
  }
}

function openLog(file: string): number {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  return openSync(file, size > MAX_LOG_BYTES ? 'w' : 'a', 0o600);
}

/** undefined where nobody listens. */
function tryConnect(address: string): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect(address);
    const absent = (): void => resolve(undefined);
    socket.once('error', absent);
    socket.once('connect', () => {
      socket.off('error', absent);
      countConnection(OWN_PROCESSES, socket);
      resolve(socket);
    });
  });
}

function startProblem(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'ENOEXEC':
    case 'UNKNOWN':
      return NOT_A_PROGRAM;
    case 'EACCES':
    case 'EPERM':
      return 'this machine does not allow it to run.';
    case 'ENOENT':
      return 'it does not exist.';
    default:
      return `${error.message}.`;
  }
}

/** Linux hands what it cannot run to a shell, which ends with one of these; Node itself uses none of them. */
const SHELL_CODES = [2, 126, 127];
const NOT_A_PROGRAM = `it is not a program for ${process.platform}-${process.arch}.`;

function exitProblem(code: number | null, signal: NodeJS.Signals | null, logFile: string): string {
  if (code !== null && SHELL_CODES.includes(code)) return NOT_A_PROGRAM;
  return `it ended with ${signal ?? `code ${code}`}; see ${logFile}.`;
}
