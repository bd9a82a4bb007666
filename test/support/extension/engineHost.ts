/** Starts an engine as the extension does, in a directory of its own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { build } from 'esbuild';
import { engineAddress } from '../../../extension/engine/address.ts';
import type { Launch } from '../../../extension/engine/process.ts';
import { version } from '../../../package.json';

export interface EngineHost extends Launch {
  readonly base: string;
  readonly logged: string[];
}

/** Gives an address of its own to an engine: the scripted one (see scriptedServer.ts) unless `engineFile` names another. */
export async function engineHost(engineFile?: string): Promise<EngineHost> {
  const base = mkdtempSync(join(tmpdir(), 'airgap-test-'));
  if (engineFile === undefined) {
    engineFile = join(base, 'engine.cjs');
    await bundle('test/support/extension/scriptedEngineMain.ts', engineFile);
  }
  const logged: string[] = [];
  return {
    base,
    logged,
    engineFile,
    version,
    address: engineAddress(version, base, { platform: process.platform, user: 'test', base }),
    choice: { runtimes: [{ program: process.execPath, electronAsNode: false }], notes: [] },
    log: (message) => logged.push(message),
  };
}

export async function bundle(entry: string, outfile: string): Promise<void> {
  const options = { bundle: true, platform: 'node', format: 'cjs', logLevel: 'warning' } as const;
  await build({ ...options, entryPoints: [entry], outfile });
}

/** Kills the processes that a failed test has left, and removes the folder. */
export function removeHost({ base }: EngineHost, pids: Iterable<number>): void {
  for (const pid of pids) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  rmSync(base, { recursive: true, force: true });
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Waits until `condition` holds; throws after `limitMs`. */
export async function until(what: string, condition: () => boolean, limitMs = 8000): Promise<void> {
  for (const end = Date.now() + limitMs; !condition(); await delay(10)) {
    if (Date.now() > end) throw new Error(`Waited ${limitMs} ms in vain: ${what}.`);
  }
}
