/**
 * Marks of living processes: files whose names say what for, and by which process. Nobody but its process makes or renews
 * a mark, so that removing the mark of a dead process can never hit that of a living one.
 */
import { randomBytes } from 'node:crypto';
import { open, readdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from './makeFolder.ts';

/** A living process renews its marks this often. */
const RENEW_MS = 5000;
/** A mark that is older belongs to a process that has died, whose number may belong to another process today. */
const DEAD_MS = 60_000;

/** A mark of this process. */
export interface Mark {
  /** Whether somebody removed it, as after this process slept for long. */
  readonly lost: boolean;
  remove(): Promise<void>;
}

/** Leaves a mark in `folder`, which is made where it is missing. `purpose` is a plain name. */
export async function leaveMark(folder: string, purpose: string): Promise<Mark & { readonly name: string }> {
  await makeFolder(folder, 0o700);
  const name = `${purpose}.${process.pid}-${randomBytes(6).toString('hex')}`;
  const path = join(folder, name);
  await (await open(path, 'wx', 0o600)).close();
  let lost = false;
  const timer = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => (lost = true));
  }, RENEW_MS);
  timer.unref();
  return {
    name,
    get lost() {
      return lost;
    },
    async remove() {
      clearInterval(timer);
      await rm(path, { force: true });
    },
  };
}

/** The marks that living processes have left for `purpose`, and removes those of dead ones. */
export async function livingMarks(folder: string, purpose: string): Promise<{ name: string; pid: number }[]> {
  const names = await readdir(folder).catch(() => []);
  const living = [];
  for (const name of names.filter((each) => each.startsWith(`${purpose}.`))) {
    const pid = Number(/^(\d+)-[0-9a-f]+$/.exec(name.slice(purpose.length + 1))?.[1] ?? NaN);
    if (!Number.isInteger(pid)) continue;
    const path = join(folder, name);
    if (await isAlive(path, pid)) living.push({ name, pid });
    else await rm(path, { force: true }).catch(() => undefined);
  }
  return living;
}

async function isAlive(path: string, pid: number): Promise<boolean> {
  if (pid === process.pid) return true;
  const info = await stat(path).catch(() => null);
  if (!info || Date.now() - info.mtimeMs > DEAD_MS) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'; // It lives, and is another user's.
  }
}
