/** A VS Code with the extension under test: this folder in development, or a package installed into a clean one. */
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { startOnDesktop } from './desktopHost.ts';
import { type Host, startInBrowser } from './host.ts';

/** A folder or a .vsix. Mocha runs in the repository's root. */
const EXTENSION = process.env.AIRGAP_EXTENSION ?? process.cwd();
/** A desktop VS Code's program; the tests otherwise run in the browser. */
export const DESKTOP = process.env.VSCODE_EXECUTABLE;

const SETTINGS = {
  // In the browser VS Code saves by itself, and tests want to say when.
  'files.autoSave': 'off',
  // The suggest widget comes when it likes, and then Tab and Escape are its own.
  'editor.quickSuggestions': { other: 'off', comments: 'off', strings: 'off' },
  'editor.suggestOnTriggerCharacters': false,
};

/** A test opens what it wants to see. The setting has the scope `machine`. */
const QUIET = { 'workbench.welcomePage.walkthroughs.openOnInstall': false };

export interface VsCodeOptions {
  /** Files of the opened folder: name -> text. */
  files: Record<string, string>;
  /** The user's settings. */
  settings?: Record<string, unknown>;
  /** The URI of a folder to open instead of the one with the files. */
  folder?: string;
  /** Folders with the files that are opened as the roots of a workspace; otherwise the folder of all files is. */
  roots?: string[];
  workspaceTrust?: boolean;
  env?: NodeJS.ProcessEnv;
  /** Settings of the scope `machine`, which VS Code in the browser reads only there. */
  machine?: Record<string, unknown>;
  /** Program that runs in place of the engine. */
  engine?: { nodePath: string };
  /** The file of the small chat model, which then lies in the user's store as if it had been downloaded. */
  storedModel?: string;
  /** Other extensions, as .vsix files. */
  packages?: string[];
  /** Whether the test needs VS Code's own git extension, which makes a window start later. */
  git?: boolean;
}

/** Everything that this test writes lies in one folder of its own, which goes with it. */
export class VsCode implements AsyncDisposable {
  readonly #host: Host;
  readonly #home: string;
  readonly #machine: Record<string, unknown>;

  private constructor(host: Host, home: string, machine: Record<string, unknown>) {
    this.#host = host;
    this.#home = home;
    this.#machine = machine;
    this.configure({});
  }

  static async start(options: VsCodeOptions): Promise<VsCode> {
    const home = mkdtempSync(join(tmpdir(), 'airgap-'));
    for (const [name, text] of Object.entries(options.files)) {
      mkdirSync(dirname(join(home, 'workspace', name)), { recursive: true });
      writeFileSync(join(home, 'workspace', name), text);
    }
    if (options.storedModel) storeModel(options.storedModel, join(home, 'share/airgap/models/SmolLM2-135M-Instruct'));
    const hostOptions = {
      extension: EXTENSION,
      folder: options.folder ?? (options.roots ? workspaceFile(home, options.roots) : join(home, 'workspace')),
      dataDir: join(home, 'data'),
      extensionsDir: join(home, 'extensions'),
      workspaceTrust: options.workspaceTrust ?? false,
      packages: options.packages ?? [],
      git: options.git ?? false,
      settings: { ...SETTINGS, ...options.settings },
      // An engine and a store of this test alone, not those of this user's other windows.
      env: {
        ...{
          TMPDIR: home,
          XDG_RUNTIME_DIR: home,
          XDG_CACHE_HOME: join(home, 'cache'),
          XDG_DATA_HOME: join(home, 'share'),
        },
        ...options.env,
      },
    };
    const host = DESKTOP ? await startOnDesktop(DESKTOP, hostOptions) : await startInBrowser(hostOptions);
    const engine = options.engine ? { 'airgap.engine.nodePath': options.engine.nodePath } : {};
    return new VsCode(host, home, { ...QUIET, ...options.machine, ...engine });
  }

  openPage(): Promise<Page> {
    return this.#host.openPage();
  }

  /** Settings that go before those given at the start; open windows notice. */
  configure(settings: Record<string, unknown>): void {
    this.#host.configure({ ...this.#machine, ...settings });
  }

  /** The path of a file of the opened folder. */
  path(name: string): string {
    return join(this.#home, 'workspace', name);
  }

  /** Text that the extension has written to its output channels, in all windows. */
  log(): string {
    const files = readdirSync(join(this.#home, 'data/logs'), { recursive: true, encoding: 'utf8' });
    const own = files.filter((file) => /airgap[^/]*\/[^/]+\.log$/i.test(file)).sort();
    return own.map((file) => readFileSync(join(this.#home, 'data/logs', file), 'utf8')).join('\n');
  }

  /** Everything that extensions have written to the storage of the opened folder, such as conversations. */
  workspaceStorage(): string {
    const storage = join(this.#home, 'data/User/workspaceStorage');
    const files = readdirSync(storage, { recursive: true, encoding: 'utf8' }).map((file) => join(storage, file));
    return files
      .filter((file) => statSync(file).isFile())
      .map((file) => readFileSync(file, 'latin1'))
      .join('\n');
  }

  /** One entry per answer of the engine, from the extension's log. */
  answers(): { reused: number; prefilled: number }[] {
    const found = this.log().matchAll(/tokens reused (\d+), prefilled (\d+)/g);
    return [...found].map(([, reused, prefilled]) => ({ reused: Number(reused), prefilled: Number(prefilled) }));
  }

  /** How often the prompt of a cursor that rested in a line was read ahead, from the extension's log. */
  timesReadAhead(line: number): number {
    return this.log().split(` read ahead to line ${line}: `).length - 1;
  }

  /** The ids of the running engine processes. */
  async engines(): Promise<number[]> {
    const processes = await this.#host.processes();
    return processes.filter(({ command }) => /engine\.cjs\b/.test(command)).map(({ pid }) => pid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#host[Symbol.asyncDispose]();
    rmSync(this.#home, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

function workspaceFile(home: string, roots: readonly string[]): string {
  const file = join(home, 'roots.code-workspace');
  writeFileSync(file, JSON.stringify({ folders: roots.map((name) => ({ path: `workspace/${name}` })) }));
  return file;
}

function storeModel(file: string, folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  copyFileSync(file, join(folder, 'SmolLM2-135M-Instruct.Q4_1.gguf'));
  copyFileSync('media/chat-model/generation_config.json', join(folder, 'generation_config.json'));
}

/** Waits until `condition` holds; throws `problem` where it does not in time. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  problem: string,
  timeoutMs = 40_000,
): Promise<void> {
  for (const end = Date.now() + timeoutMs; !(await condition()); await sleep(50)) {
    if (Date.now() > end) throw new Error(`After ${timeoutMs / 1000} s: ${problem}`);
  }
}
