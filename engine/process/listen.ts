/** Ensures one engine per address, which is a unix socket in a private directory or a Windows pipe. */
import { closeSync, lstatSync, openSync, rmSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { countConnection, OWN_PROCESSES } from '../traffic.ts';

/** A lock that is older than this belongs to a process that has died. */
const LOCK_MS = 5000;
const RETRY_MS = 20;

/**
 * Listens on `address`, replacing the socket file of an engine that died. Resolves false when a running engine has the
 * address. Rejects with the system's error when it cannot listen.
 */
export async function listenAlone(server: Server, address: string): Promise<boolean> {
  for (;;) {
    if (await tryListen(server, address)) return true;
    if (await answers(address)) return false;
    if (!(await removeStale(address))) await delay(RETRY_MS);
  }
}

/** Identifies a socket file; undefined when there is none, as for pipes. */
export function inode(path: string): number | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.ino;
}

/** Removes the socket file if it is still the one that `own` identifies. */
export function release(address: string, own: number | undefined): void {
  if (own !== undefined && inode(address) === own) rmSync(address, { force: true });
}

function tryListen(server: Server, address: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => {
      if (error.code === 'EADDRINUSE') resolve(false);
      else reject(error);
    };
    server.once('error', onError);
    server.listen(address, () => {
      server.off('error', onError);
      resolve(true);
    });
  });
}

function answers(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(address);
    socket.once('connect', () => {
      countConnection(OWN_PROCESSES, socket);
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/**
 * Removes the socket file of an engine that died. Without the lock, two starting engines could both find the file dead,
 * and the slower one would remove the socket on which the faster one listens already. Resolves false when another
 * starting engine has the lock.
 */
async function removeStale(address: string): Promise<boolean> {
  const lock = `${address}.lock`;
  try {
    closeSync(openSync(lock, 'wx'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const held = lstatSync(lock, { throwIfNoEntry: false });
    if (held && Date.now() - held.mtimeMs > LOCK_MS) rmSync(lock, { force: true });
    return false;
  }
  try {
    if (!(await answers(address))) rmSync(address, { force: true });
  } finally {
    rmSync(lock, { force: true });
  }
  return true;
}
