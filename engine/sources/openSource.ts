import type { ModelReference } from '../wire/protocol.ts';
import { HfFolder } from './hfFolder.ts';
import { RandomModel } from './random.ts';
import type { ModelSource } from './source.ts';

/** Opens the model that a reference names: every file format has its branch here. Rejects with BadModel. */
export async function openSource(reference: ModelReference): Promise<ModelSource> {
  return typeof reference === 'string' ? HfFolder.open(reference) : new RandomModel(reference);
}
