import { type Command, Option } from 'commander';
import { BadRequest } from '../errors.ts';
import type { StoreEntry } from '../store/entry.ts';
import { type StorePlaces, storePlaces } from '../store/places.ts';
import { resolveModel } from '../store/resolve.ts';
import { type Store, openStore } from '../store/store.ts';

export interface StoreOptions {
  store?: string;
}

/** The option of every command that looks for models in the store. */
export function addStoreOption(command: Command): Command {
  return command.addOption(
    new Option('--store <folder>', 'where models are kept (default: AIRGAP_STORE, or the folder for local data)'),
  );
}

export function placesOf({ store }: StoreOptions): StorePlaces {
  return storePlaces(store === undefined ? {} : { folder: store });
}

/** Rejects with BadRequest where others can access the store. */
export function storeOf(options: StoreOptions): Promise<Store> {
  return openStore(placesOf(options));
}

/** The stored model with this name or id. Rejects with BadRequest where there is none. */
export async function findStored(store: Store, name: string): Promise<StoreEntry> {
  const entry = await store.find(name);
  if (entry) return entry;
  throw new BadRequest(`The store has no model with the name ${name}; "airgap models" lists those that it has.`);
}

/** The path of a model that the user names by a path or by its name in the store. Rejects with BadModel. */
export function modelPath(named: string, options: StoreOptions): Promise<string> {
  return resolveModel(named, placesOf(options));
}
