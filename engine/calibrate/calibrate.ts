import { OutOfMemory } from '../../kernels/ops.ts';
import { BadModel } from '../errors.ts';
import { type LoadOptions, loadModel } from '../load/loadModel.ts';
import type { LoadedModel } from '../load/loadedModel.ts';
import { textPrompt } from '../prompt/prompt.ts';
import type { ModelReference } from '../wire/protocol.ts';
import { calibrationWindows } from './calibrationText.ts';
import { InputSquares } from './inputSquares.ts';

/** Which columns of each matrix matter: the sums of the squares of their inputs, by the matrix's name. */
export interface Importance {
  readonly columns: ReadonlyMap<string, Float32Array>;
  /** Tokens of the text that the model was run on. */
  readonly tokens: number;
  /** Format of the weights while it ran. */
  readonly weights: string;
}

export interface CalibrateOptions extends Pick<LoadOptions, 'backend' | 'threads' | 'allowSoftwareGpu' | 'signal'> {
  /** Called with the share, from 0 to 1, of the work that is done. */
  readonly onProgress?: ((share: number) => void) | undefined;
}

/** The inputs of all products of a step are read back together, 30 kB per layer and token in phi-3-mini. */
const CHUNK_TOKENS = 32;
/** The share of the time that loading the weights takes, about. */
const LOADING = 0.1;

/**
 * Runs a model on a text and collects the importance of each matrix's columns. The weights are as precise as the memory
 * allows, f16 or 8 bits. Rejects with BadRequest for a text that is too short, and as loadModel does.
 */
export async function calibrate(
  reference: ModelReference,
  text: string,
  options: CalibrateOptions,
): Promise<Importance> {
  const squares = new InputSquares();
  const { signal, onProgress = () => {} } = options;
  const model = await loadPrecise(reference, {
    ...options,
    chunkTokens: CHUNK_TOKENS,
    observe: (ops, weights) => squares.observe(ops, weights),
    onProgress: ({ loadedBytes, totalBytes }) => onProgress((LOADING * loadedBytes) / totalBytes),
  });
  try {
    const { tokenizer, info } = model;
    if (!tokenizer) throw new BadModel(`${info.name} has no tokenizer, so it cannot be calibrated with a text.`);
    const windows = calibrationWindows(tokenizer.encode(text, { bos: true }), info.contextLength);
    for (const [i, ids] of windows.entries()) {
      const session = model.createSession();
      await session.prefill(textPrompt(ids), { signal });
      await session.dispose();
      onProgress(LOADING + ((1 - LOADING) * (i + 1)) / windows.length);
    }
    return { columns: squares.sums(), tokens: windows.flat().length, weights: model.weights };
  } finally {
    await model.dispose();
  }
}

async function loadPrecise(reference: ModelReference, options: LoadOptions): Promise<LoadedModel> {
  try {
    return await loadModel(reference, { ...options, weights: 'f16' });
  } catch (error) {
    if (!(error instanceof OutOfMemory)) throw error;
    return loadModel(reference, { ...options, weights: 'q8' });
  }
}
