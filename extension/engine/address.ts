/** The place where a user's windows connect to their engine: a private directory with a socket, a token and a log. */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, linkSync, lstatSync, mkdirSync, readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

export interface EngineAddress {
  readonly directory: string;
  /** A unix socket in the directory, or the name of a Windows pipe. */
  readonly socket: string;
  readonly tokenFile: string;
  readonly logFile: string;
}

export interface AddressHost {
  readonly platform: NodeJS.Platform;
  readonly user: string;
  /** XDG_RUNTIME_DIR, or the directory for temporary files. */
  readonly base: string;
}

/** sockaddr_un holds 104 bytes on macOS and 108 on Linux, the final zero included. */
const MAX_SOCKET_PATH = 103;

/**
 * One address per version and build, so that an engine of another version, or of a development folder, is never in the
 * way. `build` is any string that differs between builds.
 */
export function engineAddress(version: string, build: string, host: AddressHost): EngineAddress {
  const hash = createHash('sha256').update(build).digest('hex').slice(0, 8);
  const name = `${version}-${hash}`;
  let directory = join(host.base, `airgap-${host.user}`);
  if (host.platform !== 'win32' && join(directory, `${name}.sock`).length > MAX_SOCKET_PATH) {
    directory = join('/tmp', `airgap-${host.user}`);
  }
  return {
    directory,
    socket: host.platform === 'win32' ? `\\\\.\\pipe\\airgap-${host.user}-${name}` : join(directory, `${name}.sock`),
    tokenFile: join(directory, `${name}.token`),
    logFile: join(directory, `${name}.log`),
  };
}

export function thisHost(): AddressHost {
  const { uid, username } = userInfo();
  const user = uid >= 0 ? String(uid) : username.replace(/[^\w-]/g, '_');
  const runtimeDirectory = process.env['XDG_RUNTIME_DIR'];
  const base = runtimeDirectory && existsSync(runtimeDirectory) ? runtimeDirectory : tmpdir();
  return { platform: process.platform, user, base };
}

/** Tells builds of the same version apart. */
export function buildOf(engineFile: string): string {
  const { mtimeMs, size } = statSync(engineFile);
  return `${engineFile} ${mtimeMs} ${size}`;
}

/** Makes directory and token where they are missing; returns the token. Throws where others could read them. */
export function prepareAddress(address: EngineAddress): string {
  mkdirSync(address.directory, { recursive: true, mode: 0o700 });
  checkPrivate(address.directory);
  if (!existsSync(address.tokenFile)) writeToken(address.tokenFile);
  return readFileSync(address.tokenFile, 'utf8');
}

/** Windows keeps other users out of the temporary directory by its own access lists. */
function checkPrivate(directory: string): void {
  if (process.platform === 'win32') return;
  const { uid, mode } = lstatSync(directory);
  const isDirectory = lstatSync(directory).isDirectory();
  if (!isDirectory || uid !== process.getuid?.() || (mode & 0o077) !== 0) {
    throw new Error(`${directory} must be a directory that only you can access (mode 0700). Remove it and try again.`);
  }
}

/** Whole or not at all: two windows may do this at once, and the first one's token counts. */
function writeToken(file: string): void {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, randomBytes(32).toString('hex'), { mode: 0o600 });
  try {
    linkSync(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    unlinkSync(draft);
  }
}
