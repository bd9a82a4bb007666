/** From settings and surroundings to what a start of the engine needs. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { EngineSetup } from './engine.ts';
import { buildOf, engineAddress, thisHost } from './engineAddress.ts';
import { chooseRuntime } from './runtime.ts';
import { expandHome, type Settings } from './settings.ts';

export interface Surroundings {
  readonly extensionPath: string;
  readonly version: string;
  settings(): Settings;
  log(message: string): void;
}

export function engineSetup({ extensionPath, version, settings, log }: Surroundings): EngineSetup {
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
      modelDir: expandHome(settings()['model.folder']) || join(extensionPath, 'media', 'starter'),
      backend: settings()['engine.backend'],
      allowSoftwareGpu: settings()['engine.allowSoftwareGpu'],
    }),
  };
}
