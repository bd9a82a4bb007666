/**
 * SmolLM2-135M-Instruct (Apache-2.0): the small chat model of `npm start` and of the packages, and the real model of the
 * tests. Our own terminal program downloads it; it is never committed.
 */
import { copyFileSync, existsSync, linkSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { bundledChatFile, SMALL_CHAT_FILE, SMALL_CHAT_MODEL } from '../extension/bundledModels.ts';
import { cacheDir, root } from './nodeBinary.mjs';
import { runNode } from './steps.ts';

/**
 * Returns the path of the model's file: the one that AIRGAP_SMOLLM2 names, that of the cache, or a download with its size,
 * licence and progress. undefined where none can be had; the program has said why. Needs a built dist/.
 */
export function bringChatModel(): string | undefined {
  return cachedChatModel() ?? downloadChatModel();
}

/** The model where it is on this disk already; undefined otherwise. */
export function cachedChatModel(): string | undefined {
  const file = process.env.AIRGAP_SMOLLM2 || join(cacheDir, SMALL_CHAT_FILE);
  return existsSync(file) ? file : undefined;
}
/** Puts the model where the extension in `folder` expects it: without another copy where the disk is the same. */
export function placeChatModel(file: string, folder: string): void {
  const place = bundledChatFile(folder);
  if (existsSync(place)) return;
  mkdirSync(dirname(place), { recursive: true });
  try {
    linkSync(file, place);
  } catch {
    copyFileSync(file, place);
  }
}

/** Names the model's file in AIRGAP_SMOLLM2 for the tests that follow. Where there is none, they are skipped. */
export function provideToTests(): void {
  const file = bringChatModel();
  if (file === undefined) console.log(`Tests of a real model are skipped: ${SMALL_CHAT_MODEL} cannot be downloaded.`);
  else process.env.AIRGAP_SMOLLM2 = file;
}

function downloadChatModel(): string | undefined {
  mkdirSync(cacheDir, { recursive: true });
  const folder = mkdtempSync(join(cacheDir, 'store-'));
  try {
    const args = [join(root, 'dist/airgap.cjs'), 'get', SMALL_CHAT_MODEL, '--yes', '--store', folder];
    if (runNode(args) !== 0) return undefined;
    const file = join(cacheDir, SMALL_CHAT_FILE);
    renameSync(join(folder, 'models', SMALL_CHAT_MODEL, SMALL_CHAT_FILE), file);
    return file;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
