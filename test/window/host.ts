/** Runs a VS Code for a test: a server with a browser (this file's host), or the desktop version (desktopHost.ts). */
import { chromium, type Page } from 'playwright-core';
import { findChromium } from '../../.ci/chromium.ts';
import { CodeServer, GIT_EXTENSIONS, NEWEST, runServerCommand } from '../../.ci/codeServer.ts';

export interface Host extends AsyncDisposable {
  /** A window on the folder, still loading. */
  openPage(): Promise<Page>;
  /** Settings that go before those given at the start; open windows notice. */
  configure(settings: Record<string, unknown>): void;
  /** Every process that VS Code has started, and its own. */
  processes(): Promise<{ pid: number; command: string }[]>;
}

export interface HostOptions {
  /** The folder of an extension in development, or a .vsix to install. */
  extension: string;
  /** A folder, or a .code-workspace file. */
  folder: string;
  dataDir: string;
  extensionsDir: string;
  settings: Record<string, unknown>;
  workspaceTrust: boolean;
  /** .vsix files of other extensions. */
  packages: readonly string[];
  env: NodeJS.ProcessEnv;
  /** Whether the window needs VS Code's own git extension. The desktop version always has it. */
  git: boolean;
}

export const WINDOW_SIZE = { width: 1100, height: 700 };
export const LOG_LEVEL = 'airgap.airgap:debug';
const OPEN_LIMIT_MS = 90_000;

/** code-server and Chromium. AIRGAP_CODE_SERVER names another release. */
export async function startInBrowser({ extension, folder, git, ...options }: HostOptions): Promise<Host> {
  const version = process.env.AIRGAP_CODE_SERVER ?? NEWEST;
  const page = { folder, logLevel: LOG_LEVEL };
  const isPackage = extension.endsWith('.vsix');
  for (const vsix of [...(isPackage ? [extension] : []), ...options.packages]) {
    await runServerCommand(['--install-extension', vsix, '--extensions-dir', options.extensionsDir], version);
  }
  const server = await CodeServer.start({ version, ...options, ...(git ? {} : { leftOut: GIT_EXTENSIONS }) });
  // Chromium refuses its sandbox to root, and this page is our own.
  const browser = await chromium.launch({ executablePath: findChromium()!, args: ['--no-sandbox'] });
  return {
    openPage: async () => {
      const opened = await browser.newPage({ viewport: WINDOW_SIZE });
      const url = server.url(isPackage ? page : { ...page, extensionDevelopmentPath: extension });
      await opened.goto(url, { timeout: OPEN_LIMIT_MS });
      return opened;
    },
    configure: (settings) => server.configure(settings),
    processes: () => server.processes(),
    [Symbol.asyncDispose]: async () => {
      await browser.close();
      await server[Symbol.asyncDispose]();
    },
  };
}
