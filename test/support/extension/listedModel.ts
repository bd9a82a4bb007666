import type { ListedModel } from '../../../engine/wire/models.ts';

/** A model as the terminal program lists it. */
export function listedModel(differences: Partial<ListedModel> = {}): ListedModel {
  return {
    path: '/models/a.gguf',
    name: 'a',
    place: 'store',
    id: 'a-1',
    origin: 'reference',
    kind: 'GGUF Q4_K',
    bytes: 2.39e9,
    contextLength: 4096,
    memoryBytes: 3.4e9,
    tokensPerSecond: 12.3,
    chat: true,
    licence: 'MIT',
    hash: 'verified',
    problem: null,
    ...differences,
  };
}
