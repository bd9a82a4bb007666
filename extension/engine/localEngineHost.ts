/** From settings and surroundings to what a start of the engine needs. */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { LoadParams } from '../../engine/wire/protocol.ts';
import type { EngineSetup } from './localEngine.ts';
import { buildOf, engineAddress, thisHost } from './address.ts';
import { chooseRuntime } from './runtime.ts';
import { expandHome, type Settings } from '../settings.ts';

export interface Surroundings {
  readonly extensionPath: string;
  readonly version: string;
  /** The user's own, for what the engine may keep of files. */
  readonly cacheFolder: string;
  settings(): Settings;
  log(message: string): void;
}

export function engineSetup({ extensionPath, version, cacheFolder, settings, log }: Surroundings): EngineSetup {
  const engineFile = join(extensionPath, 'dist', 'engine.cjs');
  return {
    launch: () => ({
      engineFile,
      version,
      log,
      address: engineAddress(version, buildOf(engineFile), thisHost()),
      choice: chooseRuntime({
        platform: process.platform,
        arch: process.arch,
        electron: process.versions['electron'],
        execPath: process.execPath,
        extensionPath,
        nodePath: expandHome(settings()['engine.nodePath']),
        exists: existsSync,
      }),
    }),
    load: () => ({
      model: expandHome(settings()['model.folder']) || join(extensionPath, 'media', 'starter'),
      backend: settings()['engine.backend'],
      allowSoftwareGpu: settings()['engine.allowSoftwareGpu'],
      ...keepOnDisk(cacheFolder, settings()['engine.diskCacheGigabytes']),
    }),
  };
}

/** Turned off, nothing stays of what was kept. */
export function keepOnDisk(folder: string, gigabytes: number): Pick<LoadParams, 'keepOnDisk'> {
  if (gigabytes > 0) return { keepOnDisk: { folder, maxBytes: gigabytes * 1e9 } };
  rmSync(folder, { recursive: true, force: true });
  return {};
}
