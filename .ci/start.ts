/**
 * `npm start`: builds, then opens VS Code with the extension from this folder on a sample project.
 *   npm start                in an installed VS Code if there is one and a screen to show it, otherwise in the browser
 *   npm start -- --browser   in the browser in any case
 *   npm start -- --offline   without downloading the small chat model where it is not here yet
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { engineNodeOptions } from '../extension/development.ts';
import { createLocalEngine } from '../extension/engine/createLocalEngine.ts';
import type { LocalEngine } from '../extension/engine/localEngine.ts';
import { defaultModel } from '../extension/models/defaultModel.ts';
import { readSettings } from '../extension/settings.ts';
import { bringChatModel, cachedChatModel, placeChatModel } from './chatModel.ts';
import { buildProduct, sampleProject } from './steps.ts';
import { CodeServer, GIT_EXTENSIONS } from './codeServer.ts';
import { root } from './nodeBinary.mjs';

/** The address stays the same, so that the browser keeps the window's layout. */
const PORT = 8765;

/** So long the engine waits for the first window. */
const HEAD_START_MS = 300_000;

buildProduct();
provideChatModel();
const sample = sampleProject();
/** What the window shows. */
const openFile = join(sample, 'typescript/garden.ts');

if (!process.argv.includes('--browser') && hasScreen() && openDesktop()) {
  console.log(`VS Code opens ${sample} with Airgap.`);
} else {
  await serveBrowser();
}

/** A model that talks and completes more than the starter model. */
function provideChatModel(): void {
  const offline = process.argv.includes('--offline');
  const file = offline ? cachedChatModel() : bringChatModel();
  if (file !== undefined) placeChatModel(file, root);
  else if (!offline)
    console.log('The starter model completes; the chat starts without a model that talks and offers to download one.');
}

/** Returns false if no `code` is installed. */
function openDesktop(): boolean {
  const args = ['--new-window', `--extensionDevelopmentPath=${root}`, sample, openFile];
  return spawnSync('code', args, { stdio: 'inherit', shell: process.platform === 'win32' }).status === 0;
}

function hasScreen(): boolean {
  return process.platform !== 'linux' || Boolean(process.env.DISPLAY ?? process.env.WAYLAND_DISPLAY);
}

async function serveBrowser(): Promise<void> {
  const profile = join(root, '.cache/start');
  const port = (await isFree(PORT)) ? PORT : 0;
  await using server = await CodeServer.start({
    dataDir: profile,
    extensionsDir: join(profile, 'extensions'),
    port,
    // The sample project is no repository.
    leftOut: GIT_EXTENSIONS,
  });
  const engine = startEngine(join(profile, 'prompts'));
  setTimeout(() => engine.dispose(), HEAD_START_MS).unref();
  const address = server.url({ folder: sample, extensionDevelopmentPath: root, openFile });
  console.log(`\nVS Code with Airgap: ${address}\nOpen it in a browser. Ctrl+C ends it.`);
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve());
  });
  engine.dispose();
}

/** Loads the model that the window will ask for, while the browser loads the window. */
function startEngine(cacheFolder: string): LocalEngine {
  const { settings } = readSettings(
    () => undefined,
    () => false,
    (each) => defaultModel(root, each),
  );
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const host = { extensionPath: root, version, cacheFolder, nodeOptions: engineNodeOptions() };
  const engine = createLocalEngine({ ...host, settings: () => settings, log: () => {} });
  engine.warmUp('completion');
  return engine;
}

function isFree(port: number): Promise<boolean> {
  const probe = createServer();
  return new Promise((resolve) => {
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
