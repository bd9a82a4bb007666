import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { release } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { macOsFailure } from './macOs.ts';

/** The exports of dawn.node. */
export interface Dawn {
  create(flags: string[]): GPU;
  readonly globals: Record<string, { prototype: object }>;
}

/** Why there is no GPU here, in one sentence for the user. */
export class GpuUnavailable extends Error {
  override name = 'GpuUnavailable';
}

/**
 * Loads Dawn's binary for this platform, looked for in the folder AIRGAP_DAWN_DIR names, then in webgpu/ beside the
 * running bundle (the packaged extension), then in node_modules. Throws GpuUnavailable.
 */
export function loadDawn(): Dawn {
  // A worker that ends during GPU work takes the whole process with it.
  if (!isMainThread) throw new GpuUnavailable('The GPU can only be used from the main thread of a process.');
  const file = candidates().find((candidate) => existsSync(candidate));
  if (!file) throw new GpuUnavailable(`This copy of Airgap has no GPU library (dawn.node) for ${platform()}.`);
  const tooOld = process.platform === 'darwin' ? macOsFailure(file, release()) : undefined;
  if (tooOld) throw new GpuUnavailable(tooOld);
  try {
    return createRequire(file)(file) as Dawn;
  } catch (error) {
    throw new GpuUnavailable(loadFailure(file, (error as Error).message));
  }
}

/** An instance for Dawn's flags, such as `adapter=<part of its name>`. */
export function dawnInstance(dawn: Dawn, flags: readonly string[]): GPU {
  const key = flags.join(' ');
  let instance = instances.get(key);
  if (!instance) instances.set(key, (instance = dawn.create([...flags])));
  return instance;
}

/** Kept for ever: if an instance is collected while one of its devices lives, the process dies. */
const instances = new Map<string, GPU>();

function platform(): string {
  return `${process.platform}-${process.arch}`;
}

function candidates(): string[] {
  const explicit = process.env['AIRGAP_DAWN_DIR'];
  if (explicit) return [join(explicit, 'dawn.node')];
  const here = typeof __dirname === 'string' ? __dirname : dirname(fileURLToPath(import.meta.url));
  const folder = process.platform === 'darwin' ? 'darwin-universal' : platform();
  const found = [join(here, 'webgpu', platform(), 'dawn.node'), join(here, 'webgpu', folder, 'dawn.node')];
  for (let at = here; ; at = dirname(at)) {
    found.push(join(at, 'node_modules', 'webgpu', 'dist', folder, 'dawn.node'));
    if (dirname(at) === at) return found;
  }
}

/** The loader's error text (glibc, dyld, Windows) as one sentence. */
export function loadFailure(file: string, text: string): string {
  const missing = /(\S+): cannot open shared object file/.exec(text)?.[1];
  const version = /version `([^']+)' not found/.exec(text)?.[1];
  const system = /built for (macOS \S+) which is newer/.exec(text)?.[1];
  if (system) return `The GPU library needs ${system} or newer.`;
  if (version) return `The GPU library needs ${version}, which this system is too old to have.`;
  if (missing && !file.endsWith(missing)) return `The GPU library needs ${missing}, which is not installed.`;
  if (/invalid ELF header|wrong ELF class|not a valid Win32|incompatible architecture|not a mach-o/i.test(text))
    return `The GPU library ${file} was not built for ${platform()}.`;
  if (/file too short|truncated/i.test(text)) return `The GPU library ${file} is damaged.`;
  if (/specified module could not be found/i.test(text))
    return 'The GPU library needs the Microsoft Visual C++ runtime, which is not installed.';
  return `The GPU library ${file} cannot be loaded: ${text.split('\n')[0]}`;
}
