/**
 * Ollama's models: manifests/HOST/NAMESPACE/MODEL/TAG is a JSON file with a list of layers, and blobs/sha256-DIGEST is a
 * layer. Checked against github.com/ollama/ollama at fb307608: envconfig/config.go (Models, Var), manifest/manifest.go
 * (Manifests), manifest/paths.go (BlobsPath), types/model/name.go, server/images.go (media types), docs/faq.mdx and
 * scripts/install.sh (the place of Linux's service).
 */
import { join } from 'node:path';
import * as z from 'zod';
import type { Candidate, Search } from './search.ts';

const manifestFile = z.object({
  layers: z.array(z.object({ mediaType: z.string(), digest: z.string() })),
});
type Layer = z.output<typeof manifestFile>['layers'][number];

export async function ollama(search: Search): Promise<Candidate[]> {
  const found: Candidate[] = [];
  for (const models of folders(search)) {
    for await (const { path, name } of manifests(search, join(models, 'manifests'))) {
      const candidate = await readManifest(search, models, path, name);
      if (candidate) found.push(candidate);
    }
  }
  return found;
}

/** The folder of this user's Ollama, and that of the service, which Linux's installer sets up for a user of its own. */
function folders(search: Search): string[] {
  // Ollama strips quotes too, which Windows keeps in variables.
  const named = search.env('OLLAMA_MODELS')?.replace(/^["']+|["']+$/g, '');
  const own = search.local(named) ?? search.home('.ollama', 'models');
  return search.computer.platform === 'linux' ? [own, '/usr/share/ollama/.ollama/models'] : [own];
}

/** The manifests, at exactly four levels, with the names that `ollama list` prints. */
async function* manifests(search: Search, root: string): AsyncGenerator<{ path: string; name: string }> {
  const below = async (folder: string, kind: 'file' | 'folder'): Promise<string[]> =>
    (await search.list(folder)).filter((entry) => entry.kind === kind).map(({ name }) => name);
  for (const host of await below(root, 'folder')) {
    for (const namespace of await below(join(root, host), 'folder')) {
      for (const model of await below(join(root, host, namespace), 'folder')) {
        for (const tag of await below(join(root, host, namespace, model), 'file')) {
          const short = namespace === 'library' ? model : `${namespace}/${model}`;
          const name = host === 'registry.ollama.ai' ? short : `${host}/${namespace}/${model}`;
          yield { path: join(root, host, namespace, model, tag), name: `${name}:${tag}` };
        }
      }
    }
  }
}

/** undefined for a model that runs on Ollama's servers: it has no files here. */
async function readManifest(
  search: Search,
  models: string,
  path: string,
  name: string,
): Promise<Candidate | undefined> {
  const bad = (problem: string): Candidate => ({ path, name, program: 'ollama', problem });
  const layers = (await search.json(path, manifestFile))?.layers;
  if (!layers) return bad(`Ollama's manifest of ${name} cannot be read, or is not valid.`);
  const weights = layers.filter(({ mediaType }) => mediaType === 'application/vnd.ollama.image.model');
  const tensors = layers.some(({ mediaType }) => mediaType === 'application/vnd.ollama.image.tensor');
  if (weights.length === 0 && !tensors) return undefined;
  if (weights.length !== 1) return bad(`Ollama has no GGUF file for ${name}.`);
  if (layers.some(({ mediaType }) => mediaType === 'application/vnd.ollama.image.adapter'))
    return bad(`Ollama applies a LoRA adapter to ${name}; merge it into the model first.`);
  const file = blob(models, weights[0]!);
  if (!file) return bad(`Ollama's manifest of ${name} has a digest that is none.`);
  if (!(await search.disk.stat(file.path))) return bad(`Ollama's file of ${name} is missing; pull it again.`);
  return { ...file, name, program: 'ollama', licence: await licence(search, models, layers) };
}

/** The file of a layer. The digest becomes a part of a path, so it has to be nothing but digits. */
function blob(models: string, { digest }: Layer): { path: string; sha256: string } | undefined {
  const sha256 = /^sha256[:-]([0-9a-f]{64})$/i.exec(digest)?.[1];
  return sha256 === undefined ? undefined : { path: join(models, 'blobs', digest.replace(':', '-')), sha256 };
}

/** The first line of the licence's text. */
async function licence(search: Search, models: string, layers: readonly Layer[]): Promise<string | undefined> {
  const layer = layers.find(({ mediaType }) => mediaType === 'application/vnd.ollama.image.license');
  const file = layer && blob(models, layer);
  const text = file && (await search.text(file.path));
  return text
    ?.split('\n')
    .find((line) => line.trim() !== '')
    ?.trim();
}
