/** A wheel by the user's own pip, which knows the index, the proxy, the certificates and the passwords. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { Cancelled, DownloadFailed } from '../../errors.ts';

/** Python as Linux and macOS, as Windows, and as Windows' launcher call it. */
const PYTHONS = ['python3', 'python', 'py'];

export interface Pip {
  python: string;
  /** Whether it prints its progress in numbers, which it does since version 24.1. */
  countsBytes: boolean;
}

/** Resolves with undefined if no Python with pip can be run. Rejects with Cancelled. */
export async function findPip(signal: AbortSignal): Promise<Pip | undefined> {
  for (const python of PYTHONS) {
    const { ended, lines } = run(python, ['-m', 'pip', '--version'], { signal });
    const version = /^pip (\d+)\.(\d+)/.exec((await collect(lines)).join('\n'));
    if ((await ended).status !== 0 || !version) continue;
    const [major, minor] = [Number(version[1]), Number(version[2])];
    return { python, countsBytes: major > 24 || (major === 24 && minor >= 1) };
  }
  return undefined;
}

export interface PipDownloadOptions {
  signal: AbortSignal;
  onBytes: (done: number, total: number) => void;
}

/** Downloads one wheel, without what it depends on, into a folder. Rejects with DownloadFailed or Cancelled. */
export async function pipDownload(
  { python, countsBytes }: Pip,
  requirement: string,
  folder: string,
  { signal, onBytes }: PipDownloadOptions,
): Promise<void> {
  const bar = countsBytes ? 'raw' : 'off';
  const options = [
    '--no-deps',
    '--only-binary=:all:',
    '--no-input',
    '--disable-pip-version-check',
    '--progress-bar',
    bar,
  ];
  const args = ['-m', 'pip', 'download', requirement, ...options, '--dest', folder];
  const { ended, lines } = run(python, args, { signal });
  for await (const line of lines) {
    const progress = /^Progress (\d+) of (\d+)$/.exec(line);
    if (progress) onBytes(Number(progress[1]), Number(progress[2]));
  }
  const { status, lastError } = await ended;
  if (status !== 0) throw new DownloadFailed(`pip could not download ${requirement}: ${lastError}`);
}

/** Starts a program. Its standard output comes in lines; `ended` rejects with Cancelled. */
function run(program: string, args: readonly string[], { signal }: { signal: AbortSignal }) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], signal });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-4096);
  });
  const ended = new Promise<{ status: number; lastError: string }>((resolve, reject) => {
    child.on('error', (error) => {
      if (signal.aborted) reject(new Cancelled());
      else resolve({ status: 1, lastError: error.message });
    });
    child.on('close', (status) => {
      resolve({ status: status ?? 1, lastError: errors.trim().split('\n').at(-1) ?? '' });
    });
  });
  // Whoever awaits it later still sees the rejection.
  ended.catch(() => undefined);
  return { ended, lines: createInterface({ input: child.stdout }) };
}

async function collect(lines: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const line of lines) all.push(line);
  return all;
}
