/** One engine per address: a unix socket in a private directory, or a Windows pipe. */
import { linkSync, lstatSync, renameSync, unlinkSync } from 'node:fs';
import { connect, type Server } from 'node:net';

/**
 * Listens on `address`, replacing the socket file of an engine that died. Resolves false where a living engine has the
 * address. Rejects with the system's error where it cannot listen.
 */
export async function listenAlone(server: Server, address: string): Promise<boolean> {
  if (await tryListen(server, address)) return true;
  const found = inode(address);
  if (await answers(address)) return false;
  if (found !== undefined) removeStale(address, found);
  return tryListen(server, address);
}

/** The identity of a socket file; undefined where there is none, as with pipes. */
export function inode(path: string): number | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.ino;
}

/** Removes the socket file where it is still the one that `own` names. */
export function release(address: string, own: number | undefined): void {
  if (own !== undefined && inode(address) === own) unlinkSync(address);
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
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** Another starter may have replaced the file meanwhile; a rename shows which file was taken, and puts that one back. */
function removeStale(address: string, stale: number): void {
  const aside = `${address}.${process.pid}`;
  try {
    renameSync(address, aside);
  } catch {
    return; // The other starter was faster.
  }
  try {
    if (inode(aside) !== stale) linkSync(aside, address);
  } finally {
    unlinkSync(aside);
  }
}
