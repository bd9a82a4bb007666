/** Creates the local engine from the settings and the place of the extension. */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { LoadParams } from '../../engine/wire/protocol.ts';
import { modelPath } from '../bundledModels.ts';
import { expandHome, modelOf, type Settings } from '../settings.ts';
import { buildOf, engineAddress, thisHost } from './address.ts';
import { LocalEngine } from './localEngine.ts';
import type { Launch } from './process.ts';
import { chooseRuntime, type RuntimeChoice } from './runtime.ts';

export interface CreateLocalEngineHost {
  /** The folder in which the extension is installed. */
  readonly extensionPath: string;
  readonly version: string;
  /** A folder of the user's in which the engine may keep its prompt cache. */
  readonly cacheFolder: string;
  readonly nodeOptions: readonly string[];
  settings(): Settings;
  log(message: string): void;
}

export function createLocalEngine(host: CreateLocalEngineHost): LocalEngine {
  const { extensionPath, cacheFolder, settings, log } = host;
  return new LocalEngine({
    log,
    launch: () => engineLaunch(host),
    idleMs: () => 60_000 * (settings()['engine.unloadAfterMinutes'] || Infinity),
    model: (purpose) => modelPath(extensionPath, modelOf(settings(), purpose)),
    load: () => ({
      backend: settings()['engine.backend'],
      allowSoftwareGpu: settings()['engine.allowSoftwareGpu'],
      ...kvDiskCache(cacheFolder, settings()['engine.diskCacheGigabytes']),
    }),
  });
}

/** How the engine is started; `purpose` gives an address that no engine of another purpose has. */
export function engineLaunch(host: Omit<CreateLocalEngineHost, 'cacheFolder'>, purpose = ''): Launch {
  const { extensionPath, version, nodeOptions, settings, log } = host;
  const engineFile = join(extensionPath, 'dist', 'engine.cjs');
  const address = engineAddress(version, buildOf(engineFile) + purpose, thisHost());
  return { engineFile, nodeOptions, version, log, address, choice: runtimeChoice(extensionPath, settings()) };
}

/** The programs that may run the engine on this machine. */
export function runtimeChoice(extensionPath: string, settings: Settings): RuntimeChoice {
  return chooseRuntime({
    platform: process.platform,
    arch: process.arch,
    electron: process.versions['electron'],
    execPath: process.execPath,
    extensionPath,
    nodePath: expandHome(settings['engine.nodePath']),
    exists: existsSync,
  });
}

/** Folder and maximum size of the cache. A limit of 0 gigabytes disables and deletes it. */
export function kvDiskCache(folder: string, gigabytes: number): Pick<LoadParams, 'kvDiskCache'> {
  if (gigabytes > 0) return { kvDiskCache: { folder, maxBytes: gigabytes * 1e9 } };
  rmSync(folder, { recursive: true, force: true });
  return {};
}
