/** The models that come with the extension: the starter model, and in the platforms' packages a small chat model. */
import { join } from 'node:path';

/** The small chat model's name in the catalogue of downloads. */
export const SMALL_CHAT_MODEL = 'SmolLM2-135M-Instruct';
/** Its file's name, wherever it lies. */
export const SMALL_CHAT_FILE = `${SMALL_CHAT_MODEL}.Q4_1.gguf`;
/** What settings call the bundled ones in place of their paths, which every update of the extension changes. */
export const BUNDLED_CHAT_MODEL = `bundled:${SMALL_CHAT_MODEL}`;
export const STARTER = 'bundled:starter';

/** Whether a setting names a bundled model. */
export function isBundled(setting: string): boolean {
  return setting === BUNDLED_CHAT_MODEL || setting === STARTER;
}

/** Whether a setting names the small chat model, bundled or downloaded. */
export function isSmallChatModel(setting: string): boolean {
  return setting === BUNDLED_CHAT_MODEL || setting.endsWith(SMALL_CHAT_FILE);
}

/** The path of the model that a setting names. */
export function modelPath(extensionPath: string, setting: string): string {
  if (setting === STARTER) return join(extensionPath, 'media', 'starter');
  return setting === BUNDLED_CHAT_MODEL ? bundledChatFile(extensionPath) : setting;
}

/** Where the small chat model lies in a package that contains it. */
export function bundledChatFile(extensionPath: string): string {
  return join(extensionPath, 'media', 'chat-model', SMALL_CHAT_FILE);
}

/** What a setting says to name a model of the list. */
export function settingOf({ place, path }: { readonly place: string; readonly path: string }): string {
  if (place !== 'bundled') return path;
  return path.endsWith(SMALL_CHAT_FILE) ? BUNDLED_CHAT_MODEL : STARTER;
}
