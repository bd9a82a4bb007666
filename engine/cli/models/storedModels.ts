import { totalmem } from 'node:os';
import { knownBandwidth } from '../../discovery/bandwidthFile.ts';
import type { Listing, Machine } from '../../discovery/describe.ts';
import { thisDisk } from '../../discovery/disk.ts';
import { listModels } from '../../discovery/listModels.ts';
import { freeBytesOfCpu } from '../../load/openBackend.ts';
import type { StoreEntry } from '../../store/entry.ts';
import type { ListedModel } from '../../wire/models.ts';
import { measureBandwidth } from '../../discovery/memoryBandwidth.ts';
import { type StoreOptions, placesOf } from '../storeOptions.ts';

/** Half of what benchmarks read, since a list is not to wait for it. */
const MEASUREMENT = { bytes: 2 ** 29, mostMs: 400 };

/** A model of the store as `airgap models` lists it. */
export async function describeStored(entry: StoreEntry, options: StoreOptions): Promise<ListedModel[]> {
  return listModels([listingOf(entry)], await thisMachine({ ...options, measure: false }));
}

export function listingOf({ id, origin, hash, path, name, shared, sha256, licence }: StoreEntry): Listing {
  const known = { sha256: sha256 ?? undefined, licence: licence ?? undefined, stored: { id, origin, hash } };
  return { path, name, program: shared ? 'sharedStore' : 'store', ...known };
}

/** Memory of this machine, or what a container may use of it. */
function memoryLimit(): number {
  return Math.min(totalmem(), process.constrainedMemory() || Infinity);
}

/** This machine as it is now. The memory bandwidth is measured where it is not known, unless `measure` is false. */
export async function thisMachine({ measure, ...store }: StoreOptions & { measure: boolean }): Promise<Machine> {
  const measured = (): Promise<number> => measureBandwidth(undefined, MEASUREMENT);
  const bandwidth = await knownBandwidth(placesOf(store).folder, measure ? measured : undefined);
  return { disk: thisDisk, freeBytes: freeBytesOfCpu(), reachableBytes: memoryLimit() / 2, bandwidth };
}
