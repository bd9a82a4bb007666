import { basename, dirname, relative, resolve } from 'node:path';
import { stat } from 'node:fs/promises';
import type { WeightDType } from '../../../kernels/ops.ts';
import { STORED } from '../../../kernels/stored/storedTypes.ts';
import { BadRequest } from '../../errors.ts';
import { type CalibrateOptions, type Importance, calibrate } from '../../calibrate/calibrate.ts';
import { type OpenedModel, openModel } from '../../load/openModel.ts';
import { hasOwnHead } from '../../load/tiedHead.ts';
import { HfFolder } from '../../sources/hfFolder.ts';
import type { WeightFile } from '../../sources/source.ts';
import type { EntryFacts, StoreEntry } from '../entry.ts';
import { Staging, type Store } from '../store.ts';
import { packFolder } from './packFolder.ts';
import { type PackPlan, planPacking } from './packPlan.ts';
import type { ColumnImportance, PackOptions } from './packWeights.ts';

export interface ImportOptions extends PackOptions {
  /** Name in the store; by default that of the file or folder. */
  readonly name?: string | undefined;
  /** Format of the matrices (see LoadOptions); by default by the model's size. */
  readonly weights?: WeightDType | undefined;
  /** A text on which the model is run first, to find out which weights matter; its matrices are then packed in 4 bits. */
  readonly calibration?: Calibration | undefined;
  /** Called when another process works on this model and this one begins to wait. */
  readonly onWait?: ((pid: number) => void) | undefined;
}

export interface Calibration extends Pick<CalibrateOptions, 'backend' | 'threads'> {
  readonly text: string;
  /** Called with the share of the source's bytes that corresponds to the work that is done. */
  readonly onProgress?: PackOptions['onProgress'];
  /** Called when the model has been run on the text, before it is packed. */
  readonly onCalibrated?: ((importance: Importance) => void) | undefined;
}

/**
 * Adds the model at `path` to the store. Weights of 16 and 32 bits in a folder of Hugging Face's layout are packed;
 * everything else is used where it lies. Resolves with the entry that there is where the same files were imported before.
 * Rejects with BadModel, BadRequest (no room, a name that is taken) and Cancelled; then the store is as before.
 */
export async function importModel(path: string, store: Store, options: ImportOptions = {}): Promise<StoreEntry> {
  const source = resolve(path);
  const model = await openModel(source, hasOwnHead);
  try {
    if (options.calibration) checkCalibration(model, options);
    const name = options.name ?? nameOf(source);
    const files = await model.source.weightFiles();
    const staged = await store.stage(name, source, options);
    if (!(staged instanceof Staging)) return unchanged(staged, files);
    try {
      const facts = { name, hash: 'unchecked', licence: await model.source.licence(), source } as const;
      return isPacked(model) ? await refer(staged, files, facts) : await pack(staged, store, model, facts, options);
    } finally {
      await staged.close();
    }
  } catch (error) {
    throw inWords(error as NodeJS.ErrnoException, store);
  } finally {
    model.description.tokenizer?.dispose();
    await model.checkpoint.close();
  }
}

function checkCalibration(model: OpenedModel, { weights }: ImportOptions): void {
  if (isPacked(model)) {
    const { name } = model.source;
    throw new BadRequest(`The weights of ${name} are used as they are stored, so a calibration text changes nothing.`);
  }
  if (weights !== undefined && !weights.startsWith('q4'))
    throw new BadRequest(`A calibration text is for weights of 4 bits, not for ${weights}.`);
}

type Facts = Omit<EntryFacts, 'origin' | 'files'> & { readonly source: string };

/** Whether nothing would be gained by packing: all GGUF files, and what was packed before. */
function isPacked({ source, checkpoint }: OpenedModel): boolean {
  return !(source instanceof HfFolder) || [...checkpoint.tensors.values()].some(({ dtype }) => STORED[dtype].quantized);
}

async function refer(staged: Staging, files: readonly WeightFile[], facts: Facts): Promise<StoreEntry> {
  const folder = (await stat(facts.source)).isDirectory() ? facts.source : dirname(facts.source);
  const listed = files.map(({ path, bytes }) => ({
    name: relative(folder, path).replaceAll('\\', '/'),
    bytes,
    sha256: null,
  }));
  return staged.publish({ ...facts, origin: 'reference', files: listed }, facts.source);
}

async function pack(
  staged: Staging,
  store: Store,
  { source, checkpoint, blueprint }: OpenedModel,
  facts: Facts,
  options: ImportOptions,
): Promise<StoreEntry> {
  const { weights, calibration } = options;
  const plan = planPacking(checkpoint, blueprint.tensors, calibration ? 'calibrated' : weights);
  const freeBytes = await store.freeBytes();
  if (plan.bytes + SPARE_BYTES > freeBytes) {
    throw new BadRequest(
      `${facts.name} needs ${gigabytes(plan.bytes)} GB on the disk of ${store.folder}, where ${gigabytes(freeBytes)} GB are free.`,
    );
  }
  const importance = calibration && (await importanceOf(facts.source, calibration, plan, options.signal));
  const files = await packFolder(source as HfFolder, checkpoint, plan, staged.folder, options, importance);
  return staged.publish({ ...facts, origin: 'packed', files }, '.');
}

async function importanceOf(
  path: string,
  { text, onProgress, onCalibrated, ...backend }: Calibration,
  { sourceBytes }: PackPlan,
  signal: AbortSignal | undefined,
): Promise<ColumnImportance> {
  const importance = await calibrate(path, text, {
    ...backend,
    signal,
    onProgress: (share) => onProgress?.(Math.round(share * sourceBytes), sourceBytes),
  });
  onCalibrated?.(importance);
  return importance.columns;
}

/** Room for the texts beside the weights. */
const SPARE_BYTES = 64 << 20;

function unchanged(entry: StoreEntry, files: readonly WeightFile[]): StoreEntry {
  const newest = Math.max(...files.map(({ changed }) => changed));
  if (entry.origin === 'reference' || newest <= Date.parse(entry.added)) return entry;
  throw new BadRequest(
    `${entry.name} was imported from here before, but the files have changed since; remove it first, or choose another name.`,
  );
}

/** The name of a folder or file, or of the repository where the folder is one of Hugging Face's cache. */
function nameOf(path: string): string {
  const cached = /models--(?:[^\\/]+--)?([^\\/]+?)(?:[\\/]snapshots[\\/][^\\/]+)?[\\/]?$/.exec(path)?.[1];
  return cached ?? basename(path).replace(/(-\d{5}-of-\d{5})?\.gguf$/i, '');
}

function inWords(error: NodeJS.ErrnoException, { folder }: Store): Error {
  const { code, syscall } = error;
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new BadRequest(`The disk of ${folder} is full; nothing was imported.`);
  return code && syscall ? new BadRequest(`The store in ${folder} cannot be written (${code}).`) : error;
}

function gigabytes(bytes: number): string {
  return (bytes / 1e9).toFixed(bytes < 1e8 ? 3 : 2);
}
