import { splitModel } from './shards.ts';

/**
 * GGUF files that are parts of another model: image parts, draft models for speculative decoding, and the statistics that
 * quantisers use. By the names that llama.cpp goes by: gguf_filename_is_model in its common/download.cpp.
 */
const PART = /mmproj|imatrix|(?:^|[-._/])(?:mtp|eagle3|dflash|dspark)-/i;

/** The GGUF files that are models of their own, among the names of a folder's files: of a split model the first one. */
export function ggufModels(names: readonly string[]): string[] {
  const files = names.filter((name) => /\.gguf$/i.test(name) && !PART.test(name)).sort();
  const models = new Map<string, string>();
  for (const name of files) {
    const model = splitModel(name) ?? name;
    if (!models.has(model)) models.set(model, name);
  }
  return [...models.values()];
}
