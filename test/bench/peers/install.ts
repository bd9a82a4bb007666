/** The rival engines: npm packages of fixed versions, installed on demand into the cache, never into the product. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

const LLAMA = '3.22.1';
/** The package with llama.cpp's binary for the CPU, by `${process.platform}-${process.arch}`. */
const LLAMA_BINARIES: Record<string, string> = {
  'linux-x64': 'linux-x64',
  'linux-arm64': 'linux-arm64',
  'darwin-x64': 'mac-x64',
  'darwin-arm64': 'mac-arm64-metal',
  'win32-x64': 'win-x64',
  'win32-arm64': 'win-arm64',
};

export const VERSIONS: Record<string, string> = {
  'node-llama-cpp': LLAMA,
  'onnxruntime-node': '1.30.0',
  '@wllama/wllama': '3.8.1',
};

/** Likewise for a GPU, where that is not the same. */
const LLAMA_GPU_BINARIES: Record<string, string> = {
  'linux-x64': 'linux-x64-vulkan',
  'win32-x64': 'win-x64-vulkan',
};
const PLATFORM = `${process.platform}-${process.arch}`;

/** Installs missing packages into `folder`. Their install scripts do not run, since these would download more. */
export async function installPeers(folder: string, names: readonly string[], signal: AbortSignal): Promise<void> {
  const wanted = names.flatMap((name) => [name, ...(name === 'node-llama-cpp' ? llamaBinaries() : [])]);
  const missing = wanted.filter((name) => installedVersion(folder, name) !== versionOf(name));
  if (missing.length === 0) return;
  // Names all packages, because npm removes those that are not named.
  const all = [...Object.keys(VERSIONS), ...llamaBinaries()].filter(
    (name) => missing.includes(name) || installedVersion(folder, name) !== undefined,
  );
  const packages = all.map((name) => `${name}@${versionOf(name)}`);
  console.log(`Installing ${packages.join(', ')} into ${folder} (npm) ...`);
  mkdirSync(folder, { recursive: true });
  const flags = ['--ignore-scripts', '--omit=optional', '--no-save', '--no-audit', '--no-fund', '--fetch-retries=1'];
  const args = ['install', '--prefix', folder, ...flags, ...packages];
  await promisify(execFile)('npm', args, { shell: process.platform === 'win32', signal });
}

/** Imports a package from the folder into which installPeers has put it. */
export async function importPackage<T>(folder: string, name: string): Promise<T> {
  const path = createRequire(join(folder, 'package.json')).resolve(name);
  const module = (await import(pathToFileURL(path).href)) as { default?: T } & T;
  return module.default ?? module;
}

function installedVersion(folder: string, name: string): string | undefined {
  const file = join(folder, 'node_modules', name, 'package.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version : undefined;
}

function versionOf(name: string): string {
  return VERSIONS[name] ?? LLAMA;
}

function llamaBinaries(): string[] {
  const names = [LLAMA_BINARIES[PLATFORM], LLAMA_GPU_BINARIES[PLATFORM]];
  return names.flatMap((name) => (name === undefined ? [] : [`@node-llama-cpp/${name}`]));
}
