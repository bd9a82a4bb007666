/**
 * Installs what is missing, then runs a script under Node 24, so that any script works first in a fresh clone:
 *   node .ci/node24.mjs SCRIPT [ARGUMENTS]
 * Uses only Node's own modules and Node 20's syntax, because nothing is installed when this starts.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodeBinary, npm, root } from './nodeBinary.mjs';

/** Node 24 runs TypeScript as it is, and has the WebAssembly features that the engine wants. */
const MAJOR = 24;

/** Installs the dependencies if any is missing or has another version than the lock file says. */
export function installDependencies() {
  const installed = readPackages('node_modules/.package-lock.json');
  const complete = Object.entries(readPackages('package-lock.json')).every(
    ([path, { version, optional }]) => path === '' || (installed[path]?.version ?? (optional && version)) === version,
  );
  if (complete) return;
  console.log('Installing the dependencies (npm ci) ...');
  npm(['ci', '--no-audit', '--no-fund'], { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
}

/**
 * Starts the script under Node 24 in this process's folder and ends with its exit code.
 * @param {string} script
 * @param {string[]} args
 */
export function runUnderNode24(script, args) {
  const child = spawn(findNode24(), [script, ...args], { stdio: 'inherit' });
  // The terminal sends Ctrl+C to both; the child decides when to end.
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']))
    process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
}

/** The path of a Node 24: this one, that of the package `node`, or one fetched into the cache. */
export function findNode24() {
  if (Number(process.versions.node.split('.')[0]) >= MAJOR) return process.execPath;
  // npm may be set to run no install scripts; then the package `node` has no binary, and we fetch it ourselves.
  const packaged = join(root, 'node_modules/node/bin', process.platform === 'win32' ? 'node.exe' : 'node');
  return existsSync(packaged) ? packaged : nodeBinary(`${process.platform}-${process.arch}`, MAJOR);
}

/**
 * @param {string} lockFile
 * @returns {Record<string, { version?: string, optional?: boolean }>}
 */
function readPackages(lockFile) {
  const path = join(root, lockFile);
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).packages : {};
}

if (realpathSync(process.argv[1] ?? '') === fileURLToPath(import.meta.url)) {
  const [script = '', ...args] = process.argv.slice(2);
  installDependencies();
  runUnderNode24(resolve(script), args);
}
