/**
 * llama.cpp's downloads. Newer versions keep them in a cache in Hugging Face's layout, which is that of Hugging Face itself
 * unless LLAMA_CACHE names another; older ones, and models from Docker's registry, are files in one folder. Checked against
 * github.com/ggml-org/llama.cpp: common/hf-cache.cpp at 03eb25f3 (get_cache_directory, get_cached_files), common/download.cpp
 * at 0216dab3 (gguf_filename_is_model, common_docker_resolve_model), common/common.cpp at 00758e06 (fs_get_cache_directory).
 */
import { join } from 'node:path';
import { ggufModels } from '../sources/gguf/modelNames.ts';
import { cachedModels } from './huggingFace.ts';
import type { Candidate, Search } from './search.ts';

export async function llamaCpp(search: Search): Promise<Candidate[]> {
  const folder = search.local(search.env('LLAMA_CACHE')) ?? defaultFolder(search);
  const cached = await cachedModels(search, folder, 'llamaCpp');
  const files = (await search.list(folder)).filter(({ kind }) => kind !== 'folder').map(({ name }) => name);
  const flat = ggufModels(files).map((file): Candidate => {
    return { path: join(folder, file), name: file.replace(/\.gguf$/i, ''), program: 'llamaCpp' };
  });
  return [...cached, ...flat];
}

function defaultFolder(search: Search): string {
  const { platform } = search.computer;
  if (platform === 'win32') return search.localData('llama.cpp');
  if (platform === 'darwin') return search.home('Library', 'Caches', 'llama.cpp');
  return search.cache('llama.cpp');
}
