/**
 * VS Code in the browser, from npm `code-server`: installed without its install scripts into the cache, started by its
 * own server program (fewer processes than the wrapper), ended with every process that it started.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDir, nodeBinary, npm, root } from './nodeBinary.mjs';
import { endProcesses, processTree } from './processes.ts';

/** The newest release that the project was tested with, and the oldest that `engines.vscode` allows. */
export const NEWEST = '4.139.1';
export const OLDEST = '4.104.0';

const START_LIMIT_MS = 60_000;

/** Less to load, and nothing that waits for a sign-in. */
const QUIET_SETTINGS = {
  'chat.disableAIFeatures': true,
  'chat.agentHost.enabled': false,
  'workbench.startupEditor': 'none',
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.welcomePage.walkthroughs.openOnInstall': false,
  'update.mode': 'none',
  'telemetry.telemetryLevel': 'off',
  'extensions.autoCheckUpdates': false,
  'extensions.autoUpdate': false,
};

export interface ServerOptions {
  /** Where settings, state and logs go. */
  dataDir: string;
  extensionsDir: string;
  version?: string;
  port?: number;
  /** Asks the user whether to trust a folder, as VS Code does when nothing is said. */
  workspaceTrust?: boolean;
  /** The user's settings; where none are given, those of an earlier start stay. */
  settings?: Record<string, unknown>;
  env?: NodeJS.ProcessEnv;
}

/** What the page is to open: a folder, and what the workbench's `payload` parameter may name. */
export interface PageOptions {
  folder: string;
  extensionDevelopmentPath?: string;
  /** Of one extension: `publisher.name:level`. */
  logLevel?: string;
}

export class CodeServer implements AsyncDisposable {
  readonly pid: number;
  readonly #place: { origin: string; token: string; dataDir: string };

  private constructor(pid: number, place: { origin: string; token: string; dataDir: string }) {
    this.pid = pid;
    this.#place = place;
  }

  /** Starts a server and waits until it answers. Throws, with what the server said, where it does not. */
  static async start(options: ServerOptions): Promise<CodeServer> {
    const version = options.version ?? NEWEST;
    const vscode = installCodeServer(version);
    if (options.settings || !existsSync(settingsFile(options.dataDir))) {
      writeSettings(options.dataDir, options.settings);
    }
    // Whoever may open the page may do on this machine what its user may.
    const token = randomBytes(16).toString('hex');
    const child = spawn(nodeFor(vscode), [join(vscode, 'out/server-main.js'), ...serverArguments(options, token)], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...options.env },
    });
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

  /** The address of a window. `--enable-smoke-test-driver` makes the server honour a development path. */
  url({ folder, extensionDevelopmentPath, logLevel }: PageOptions): string {
    const { origin, token: tkn } = this.#place;
    const payload: [string, string][] = [];
    if (extensionDevelopmentPath) {
      payload.push(['extensionDevelopmentPath', `vscode-remote://${origin}${extensionDevelopmentPath}`]);
    }
    if (logLevel) payload.push(['logLevel', logLevel]);
    return `http://${origin}/?${new URLSearchParams({ tkn, folder, payload: JSON.stringify(payload) })}`;
  }

  /** Sets the machine's settings, which go before the user's; open windows notice. */
  configure(settings: Record<string, unknown>): void {
    writeFileSync(join(this.#place.dataDir, 'Machine/settings.json'), JSON.stringify(settings));
  }

  /** Every process that the server has started, itself included. */
  processes(): Promise<{ pid: number; command: string }[]> {
    return processTree(this.pid);
  }

  /** The extension host would outlive its server, waiting for a reconnection, so it is ended by its own id. */
  async [Symbol.asyncDispose](): Promise<void> {
    const started = await this.processes();
    await endProcesses(started.map(({ pid }) => pid));
  }
}

/** The path of `lib/vscode`, installed on demand: about 450 MB, half a minute. */
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

/** Runs a command of the server program that ends by itself, such as `--install-extension`; gives its output. */
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

/** The Node that this release of VS Code ships with: its own major version, so that old ends are tested for real. */
function nodeFor(vscode: string): string {
  const { engines } = JSON.parse(readFileSync(join(vscode, '../../package.json'), 'utf8'));
  const major = Number(/\d+/.exec(engines.node)?.[0]);
  if (process.versions.node.startsWith(`${major}.`)) return process.execPath;
  return nodeBinary(`${process.platform}-${process.arch}`, major);
}

function serverArguments(options: ServerOptions, token: string): string[] {
  const { dataDir, extensionsDir, port = 0, workspaceTrust = false } = options;
  return [
    ...['--host', '127.0.0.1', '--port', String(port), '--connection-token', token],
    ...['--server-data-dir', join(dataDir, 'server'), '--user-data-dir', dataDir, '--extensions-dir', extensionsDir],
    ...['--accept-server-license-terms', '--disable-telemetry', '--enable-smoke-test-driver'],
    ...(workspaceTrust ? [] : ['--disable-workspace-trust']),
  ];
}

function settingsFile(dataDir: string): string {
  return join(dataDir, 'User/settings.json');
}

function writeSettings(dataDir: string, settings: Record<string, unknown> = {}): void {
  mkdirSync(join(dataDir, 'User'), { recursive: true });
  writeFileSync(settingsFile(dataDir), JSON.stringify({ ...QUIET_SETTINGS, ...settings }, null, 2));
}
