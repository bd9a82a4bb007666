import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { storePlaces } from '../../engine/store/places.ts';
import { BUNDLED_CHAT_MODEL, bundledChatFile, SMALL_CHAT_FILE, SMALL_CHAT_MODEL, STARTER } from '../bundledModels.ts';
import { expandHome, type Settings } from '../settings.ts';

/**
 * The model where none is chosen, as settings name it: the small chat model, which is bundled or lies in a store, and
 * completes more than the starter model; that one where it is not here.
 */
export function defaultModel(extensionPath: string, settings: Settings): string {
  if (existsSync(bundledChatFile(extensionPath))) return BUNDLED_CHAT_MODEL;
  const { folder, sharedFolder } = storePlaces({
    folder: expandHome(settings['store.folder']),
    sharedFolder: expandHome(settings['store.sharedFolder']),
  });
  const files = [folder, sharedFolder].map((store) => join(store, 'models', SMALL_CHAT_MODEL, SMALL_CHAT_FILE));
  return files.find((file) => existsSync(file)) ?? STARTER;
}
