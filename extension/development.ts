/** Behaviour of windows in development only (F5 or `npm start`): see CONTRIBUTING.md. */
import { type FSWatcher, watch } from 'node:fs';
import { join } from 'node:path';
import type * as vscode from 'vscode';
import type { Engine } from './engine/engine.ts';

export interface BuildFollowers {
  /** The folder that `npm run watch` writes to. */
  readonly dist: string;
  readonly engine: Pick<Engine, 'running' | 'restart'>;
  reloadPages(): void;
}

/** esbuild writes a bundle in several steps. */
const SETTLED_MS = 200;

/** Restarts a running engine when a new one has been built, and reloads the chat pages when theirs have. */
export function followBuilds({ dist, engine, reloadPages }: BuildFollowers): vscode.Disposable {
  const watchers = [
    onChange(dist, /^engine\.cjs$/, () => {
      if (engine.running) engine.restart();
    }),
    onChange(join(dist, 'webview'), /\.(js|css)$/, reloadPages),
  ];
  return { dispose: () => watchers.forEach((watcher) => watcher.close()) };
}

/** Options of Node for the engine process: AIRGAP_ENGINE_INSPECT is the port at which a debugger may attach to it. */
export function engineNodeOptions(): string[] {
  const port = Number(process.env['AIRGAP_ENGINE_INSPECT']);
  return Number.isInteger(port) && port > 0 ? [`--inspect=127.0.0.1:${port}`] : [];
}

function onChange(folder: string, files: RegExp, act: () => void): FSWatcher {
  let timer: NodeJS.Timeout | undefined;
  const watcher = watch(folder, (_event, name) => {
    if (!name || !files.test(name)) return;
    clearTimeout(timer);
    timer = setTimeout(act, SETTLED_MS);
  });
  return watcher.on('close', () => clearTimeout(timer));
}
