/**
 * VS Code in the browser, from the npm package `code-server`. It is installed into the cache without its install
 * scripts, started by its own server program (fewer processes than the wrapper), and ended with all its processes.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { cacheDir, nodeBinary, npm, root } from './nodeBinary.mjs';
import { endProcesses, processTree } from './processes.ts';

/** The newest release that this project has been tested with, and the oldest that `engines.vscode` allows. */
export const NEWEST = '4.139.1';
export const OLDEST = '4.104.0';

const START_LIMIT_MS = 60_000;

/** VS Code's own extensions for git and sign-ins. On a slow machine a window without them is ready seconds earlier. */
export const GIT_EXTENSIONS = ['git', 'git-base', 'github', 'github-authentication', 'microsoft-authentication'];

/** Loads less, and waits for no sign-in. */
const QUIET_SETTINGS = {
  'chat.disableAIFeatures': true,
  'chat.agentHost.enabled': false,
  'workbench.startupEditor': 'none',
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'update.mode': 'none',
  'telemetry.telemetryLevel': 'off',
  'extensions.autoCheckUpdates': false,
  'extensions.autoUpdate': false,
};

export interface ServerOptions {
  /** The folder for settings, state and logs. */
  dataDir: string;
  extensionsDir: string;
  version?: string;
  port?: number;
  /** Whether VS Code asks the user to trust a folder, as it does by default. */
  workspaceTrust?: boolean;
  /** The user's settings. If absent, those of an earlier start stay. */
  settings?: Record<string, unknown>;
  /** Extensions of VS Code's own that are left out, by the names of their folders. */
  leftOut?: readonly string[];
  env?: NodeJS.ProcessEnv;
}

/** The folder that a window opens, and options for the workbench's `payload` parameter. */
export interface PageOptions {
  folder: string;
  extensionDevelopmentPath?: string;
  /** A file that the window shows. */
  openFile?: string;
  /** Log level of one extension: `publisher.name:level`. */
  logLevel?: string;
}

export class CodeServer implements AsyncDisposable {
  readonly pid: number;
  readonly #place: { origin: string; token: string; dataDir: string };

  private constructor(pid: number, place: { origin: string; token: string; dataDir: string }) {
    this.pid = pid;
    this.#place = place;
  }

  /** Starts a server and waits until it answers. Throws with the server's output if it does not. */
  static async start(options: ServerOptions): Promise<CodeServer> {
    const version = options.version ?? NEWEST;
    const vscode = installCodeServer(version);
    if (options.settings || !existsSync(settingsFile(options.dataDir))) {
      writeSettings(options.dataDir, options.settings);
    }
    // Whoever can open the page can do whatever this user can do on this machine.
    const token = randomBytes(16).toString('hex');
    const child = spawn(
      nodeFor(vscode),
      [join(vscode, 'out/server-main.js'), ...serverArguments(options, token, vscode)],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, ...options.env },
      },
    );
    let output = '';
    const port = await new Promise<string>((resolve, reject) => {
      const limit = setTimeout(() => reject(new Error(`VS Code did not start in time.\n${output}`)), START_LIMIT_MS);
      const read = (chunk: Buffer) => {
        output += chunk.toString();
        const found = /agent listening on (\d+)/.exec(output)?.[1];
        if (found) resolve(found);
      };
      child.stdout.on('data', read);
      child.stderr.on('data', read);
      child.on('error', reject);
      child.on('exit', (code) => reject(new Error(`VS Code ended with code ${code}.\n${output}`)));
      child.on('spawn', () => limit.unref());
    });
    return new CodeServer(child.pid!, { origin: `127.0.0.1:${port}`, token, dataDir: options.dataDir });
  }

  /** The address of a window. The server honours a development path because of `--enable-smoke-test-driver`. */
  url({ folder, extensionDevelopmentPath, openFile, logLevel }: PageOptions): string {
    const { origin, token: tkn } = this.#place;
    const remote = (path: string): string => `vscode-remote://${origin}${path}`;
    const payload: [string, string][] = [];
    if (extensionDevelopmentPath) payload.push(['extensionDevelopmentPath', remote(extensionDevelopmentPath)]);
    if (openFile) payload.push(['openFile', remote(openFile)]);
    if (logLevel) payload.push(['logLevel', logLevel]);
    const opened = { [folder.endsWith('.code-workspace') ? 'workspace' : 'folder']: folder };
    return `http://${origin}/?${new URLSearchParams({ tkn, ...opened, payload: JSON.stringify(payload) })}`;
  }

  /** Writes the machine's settings, which override the user's; open windows apply them. */
  configure(settings: Record<string, unknown>): void {
    // The server may answer before it has made the folder.
    const folder = join(this.#place.dataDir, 'Machine');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'settings.json'), JSON.stringify(settings));
  }

  /** The server and every process that it has started. */
  processes(): Promise<{ pid: number; command: string }[]> {
    return processTree(this.pid);
  }

  /** Ends each process by its id, because the extension host outlives its server while it waits for a reconnection. */
  async [Symbol.asyncDispose](): Promise<void> {
    const started = await this.processes();
    await endProcesses(started.map(({ pid }) => pid));
  }
}

/** Returns the path of `lib/vscode`. Installs it on demand, which takes about 450 MB and half a minute. */
export function installCodeServer(version: string): string {
  const folder = join(cacheDir, `code-server-${version}`);
  const vscode = 'node_modules/code-server/lib/vscode';
  if (!existsSync(folder)) {
    console.log(`Installing VS Code for the browser (code-server ${version}, about 450 MB) ...`);
    const unfinished = `${folder}.unfinished`;
    rmSync(unfinished, { recursive: true, force: true });
    mkdirSync(unfinished, { recursive: true });
    writeFileSync(join(unfinished, 'package.json'), '{"private":true}');
    const install = (cwd: string, ...args: string[]) =>
      npm(['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', ...args], {
        cwd,
        stdio: ['ignore', 'ignore', 'inherit'],
      });
    install(unfinished, `code-server@${version}`);
    // Their lock files disagree with their package.json, so that `npm ci` refuses.
    for (const inner of [vscode, `${vscode}/extensions`]) install(join(unfinished, inner), '--omit=dev');
    // Saves its wait for a sign-in.
    rmSync(join(unfinished, vscode, 'extensions/copilot'), { recursive: true, force: true });
    // The native logger was not compiled; without a logger, output channels stay empty.
    cpSync(join(root, '.ci/spdlog.cjs'), join(unfinished, vscode, 'node_modules/@vscode/spdlog/index.js'));
    renameSync(unfinished, folder);
  }
  return join(folder, vscode);
}

/** Runs a command of the server program that ends by itself, such as `--install-extension`, and returns its output. */
export async function runServerCommand(args: string[], version = NEWEST): Promise<string> {
  const vscode = installCodeServer(version);
  const child = spawn(nodeFor(vscode), [join(vscode, 'out/server-main.js'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk));
  const code = await new Promise((resolve) => child.on('close', resolve));
  if (code !== 0) throw new Error(`VS Code ended with code ${code}.\n${output}`);
  return output;
}

/** A Node of the major version that this VS Code release ships with, so that the oldest is tested as it really runs. */
function nodeFor(vscode: string): string {
  const { engines } = JSON.parse(readFileSync(join(vscode, '../../package.json'), 'utf8'));
  const major = Number(/\d+/.exec(engines.node)?.[0]);
  if (process.versions.node.startsWith(`${major}.`)) return process.execPath;
  return nodeBinary(`${process.platform}-${process.arch}`, major);
}

function serverArguments(options: ServerOptions, token: string, vscode: string): string[] {
  const { dataDir, extensionsDir, port = 0, workspaceTrust = false, leftOut } = options;
  return [
    ...['--host', '127.0.0.1', '--port', String(port), '--connection-token', token],
    ...['--server-data-dir', join(dataDir, 'server'), '--user-data-dir', dataDir, '--extensions-dir', extensionsDir],
    ...['--accept-server-license-terms', '--disable-telemetry', '--enable-smoke-test-driver'],
    ...(workspaceTrust ? [] : ['--disable-workspace-trust']),
    ...(leftOut ? ['--builtin-extensions-dir', builtinsWithout(leftOut, vscode, dataDir)] : []),
  ];
}

/** A folder of links to VS Code's own extensions. */
function builtinsWithout(leftOut: readonly string[], vscode: string, dataDir: string): string {
  const all = join(vscode, 'extensions');
  const folder = join(dataDir, 'builtins');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(all)) {
    if (!leftOut.includes(name)) symlinkSync(join(all, name), join(folder, name), 'junction');
  }
  return folder;
}

function settingsFile(dataDir: string): string {
  return join(dataDir, 'User/settings.json');
}

function writeSettings(dataDir: string, settings: Record<string, unknown> = {}): void {
  mkdirSync(join(dataDir, 'User'), { recursive: true });
  writeFileSync(settingsFile(dataDir), JSON.stringify({ ...QUIET_SETTINGS, ...settings }, null, 2));
}
