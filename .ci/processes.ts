/** Finds and ends the processes that a server has started, by their ids, so that no other process is touched. */
import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const GRACE_MS = 3000;
const POLL_MS = 50;

/** A process and all its descendants, with their command lines. Uses `ps`, which Linux and macOS have. */
export async function processTree(pid: number): Promise<{ pid: number; command: string }[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-ww', '-o', 'pid=,ppid=,stat=,args=']);
  const all = stdout.split('\n').flatMap((line) => {
    const [, id, parent, state, command] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
    return id && !state!.startsWith('Z') ? [{ pid: Number(id), parent: Number(parent), command: command! }] : [];
  });
  const tree = all.filter((each) => each.pid === pid);
  for (const { pid: parent } of tree) tree.push(...all.filter((each) => each.parent === parent));
  return tree;
}

/** Sends SIGTERM to the processes, and SIGKILL to those that are still running after three seconds. */
export async function endProcesses(pids: number[]): Promise<void> {
  const signalAll = (signal: NodeJS.Signals) => pids.filter(isRunning).forEach((pid) => signalOne(pid, signal));
  signalAll('SIGTERM');
  for (let waited = 0; waited < GRACE_MS && pids.some(isRunning); waited += POLL_MS) await sleep(POLL_MS);
  signalAll('SIGKILL');
}

export function isRunning(pid: number): boolean {
  return signalOne(pid, 0);
}

/** Returns false if there is no such process. */
function signalOne(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}
