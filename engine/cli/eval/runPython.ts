/**
 * Runs programs that a model wrote, each in a child process: without network, with limits of time, memory and file size,
 * and in a temporary folder. It may read what the user may read. util-linux's `unshare` gives it network and process
 * namespaces of its own, so that no descendant outlives it, and `prlimit` sets the limits.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BadRequest } from '../../errors.ts';

export interface RunLimits {
  readonly seconds: number;
  readonly bytes: number;
}

const LARGEST_FILE = 16e6;
/** Characters of a program's output that are kept: its end. */
const KEPT_OUTPUT = 1000;
const UNSHARE = ['--map-root-user', '--net', '--pid', '--fork', '--kill-child', '--'];
/** Prints the names of the network interfaces. In a namespace of its own there is only the loopback, and it is down. */
const PROBE = 'import socket; print(",".join(name for _, name in socket.if_nameindex()))';

/** Rejects with BadRequest where this system cannot keep a program from the network. */
export async function checkIsolation(limits: RunLimits): Promise<void> {
  const { output, failure } = await inFolder((folder) => run(PROBE, folder, limits));
  if (!failure && output.trim() === 'lo') return;
  const why =
    process.platform === 'linux' ? failure || `it sees ${output.trim()}` : `${process.platform} has no unshare`;
  throw new BadRequest(`Generated code was not run, because this system cannot cut it off from the network (${why}).`);
}

/** Whether a program runs to its end. Only a program whose last statement was reached counts. */
export async function passes(program: string, limits: RunLimits): Promise<boolean> {
  const mark = randomBytes(16).toString('hex');
  const { output, failure } = await inFolder((folder) => run(`${program}\nprint("\\n${mark}")\n`, folder, limits));
  return !failure && output.trimEnd().endsWith(mark);
}

interface Ended {
  /** The end of the standard output. */
  readonly output: string;
  /** Why the process failed; empty where it ended with status 0. */
  readonly failure: string;
}

async function run(program: string, folder: string, { seconds, bytes }: RunLimits): Promise<Ended> {
  const file = join(folder, 'program.py');
  await writeFile(file, program);
  const limits = [`--as=${bytes}`, `--cpu=${seconds}`, `--fsize=${LARGEST_FILE}`, '--core=0', '--'];
  const child = spawn('unshare', [...UNSHARE, 'prlimit', ...limits, 'python3', '-I', file], {
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: folder, TMPDIR: folder, LANG: 'C.UTF-8' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  child.stdout.on('data', (part) => (output = `${output}${part}`.slice(-KEPT_OUTPUT)));
  child.stderr.on('data', (part) => (errors = `${errors}${part}`.slice(-KEPT_OUTPUT)));
  // With unshare, the program's process namespace ends.
  const timer = setTimeout(() => child.kill('SIGKILL'), seconds * 1000);
  return new Promise((resolve) => {
    child.on('error', ({ message }) => resolve({ output, failure: message }));
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      const failure = code === 0 ? '' : errors.trim().split('\n').at(-1) || `status ${code ?? signal}`;
      resolve({ output, failure });
    });
  });
}

async function inFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'airgap-eval-'));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
