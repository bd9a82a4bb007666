/** The model that is suggested for the chat: phi-3-mini's official file in 4 bits. */
import { totalmem } from 'node:os';
import { type CatalogueEntry, findEntry, knownBytes } from '../../engine/download/catalogue.ts';
import type { ListedModel } from '../../engine/wire/models.ts';

const NAME = 'Phi-3-mini-4k-instruct-q4';
/** Its weights and its whole context take 4 GB; half of the memory is left to everything else. */
const LEAST_MEMORY_BYTES = 8e9;

/** undefined where it is on this computer already, or the memory does not suffice. */
export function suggestion(models: readonly ListedModel[], memoryBytes = totalmem()): CatalogueEntry | undefined {
  const entry = findEntry(NAME);
  const isHere = models.some(({ name, bytes }) => name === NAME || bytes === knownBytes(entry));
  return isHere || memoryBytes < LEAST_MEMORY_BYTES ? undefined : entry;
}
