import { check } from '../check.ts';
import type {
  OperationTime,
  Epilogue,
  AttentionOptions,
  AttentionShape,
  Gelu,
  HeadNorms,
  KvLayout,
  KvPool,
  KvView,
  Ops,
  QkvOrder,
  StepResult,
  Tensor,
  WeightDType,
  WeightWriter,
} from '../ops.ts';
import { readBack, tensorsOf } from '../shared/readBack.ts';
import { checkGatherRows, checkReplaceRows } from '../shared/rows.ts';
import { type BankOptions, Banks } from './host/banks.ts';
import { WasmKvPool } from './host/kvPool.ts';
import type { Layout } from './host/layout.ts';
import { DTypeCode } from './opcodes.ts';
import { Packing } from './host/packing.ts';
import { chooseKernels, chooseThreads, type SimdChoice } from './host/platform.ts';
import { Profile } from './host/profile.ts';
import { type PlacedProgram, Program } from './host/program.ts';
import { dependsOnPosition, recordAppendKv, recordAttention } from './host/record/recordAttention.ts';
import { recordArgmax, recordTopK } from './host/record/recordChoice.ts';
import { recordInput } from './host/record/recordData.ts';
import { recordLinear } from './host/record/recordLinear.ts';
import {
  recordEmbed,
  recordGatherRows,
  recordHeadNorm,
  recordLastRows,
  recordLayerNorm,
  recordReplaceRows,
  recordRmsNorm,
} from './host/record/recordRows.ts';
import { recordGegelu, recordGelu, recordMaskedScale, recordSiluMul } from './host/record/recordValues.ts';
import { type Call, RecordedStep, ReplayedStep, type Step } from './host/record/step.ts';
import { asWasm, type Storage, type WasmTensor } from './host/tensor.ts';
import { weightWriter } from './host/weights.ts';
import { Workers } from './host/workers.ts';

export interface WasmOptions extends BankOptions {
  /** Worker threads; as many as chooseThreads says where absent. */
  readonly threads?: number;
  readonly simd?: SimdChoice;
}

/** Starts the WASM backend. Rejects where the runtime lacks what it needs, and with BackendLost without workers. */
export async function createWasmOps(options: WasmOptions = {}): Promise<WasmOps> {
  const { module, path } = await chooseKernels(options.simd ?? 'auto');
  const threads = options.threads ?? chooseThreads().threads;
  check(Number.isInteger(threads) && threads > 0, () => `createWasmOps: ${threads} threads`);
  const banks = new Banks(module, options, (memory) => workers.add(memory));
  const workers = await Workers.start(module, banks.at(0).heap.memory, threads);
  const deviceName = `WebAssembly, ${path === 'plain' ? 'plain' : 'relaxed'} SIMD, ${threads} thread${threads === 1 ? '' : 's'}`;
  return new WasmOps(banks, workers, deviceName);
}

/** Ops on the CPU: records a step as a program, or finds that it is the one before, and lets the workers run it. */
export class WasmOps implements Ops {
  readonly backend = 'wasm';
  /** How many steps ran the program of the step before. Tests count them. */
  replays = 0;
  readonly #pools = new Set<WasmKvPool>();
  readonly #packing: Packing;
  /** While its operations are called. */
  #step: Step | undefined;
  /** In that step, lists of page addresses by bank. */
  readonly #pages = new Map<KvView, Map<number, Storage>>();
  /** The last step, where its program may run once more; and the last layout. */
  #before: RanStep | undefined;
  #layout: Layout | undefined;
  #profiled: Profile | undefined;
  #stepping = false;
  #disposed = false;

  constructor(
    readonly banks: Banks,
    readonly workers: Workers,
    readonly deviceName: string,
  ) {
    this.#packing = new Packing(banks, workers);
  }

  // Memory -----------------------------------------------------------------------------------------------------------
  get bytesHeld(): number {
    return this.#disposed ? 0 : this.banks.bytesHeld;
  }

  get bytesFree(): number {
    return this.banks.bytesFree;
  }

  createWeight(shape: readonly [number, number], dtype: WeightDType, layer?: number): WeightWriter {
    this.#checkAlive();
    return weightWriter(this.banks, this.#packing, { shape, dtype, layer });
  }

  upload(data: Float32Array, shape: readonly number[], layer?: number): Tensor {
    this.#checkAlive();
    check(data.length === count(shape), () => `upload: ${data.length} values for shape (${shape})`);
    const storage = this.banks.hold(data.byteLength, layer);
    this.banks.at(storage.bank!).heap.view.f32.set(data, storage.address / 4);
    const tensor: WasmTensor = { shape, dtype: 'f32', storage, offset: 0 };
    return tensor;
  }

  mostKvPages(): number {
    return Infinity;
  }

  createKvPool(layout: KvLayout): KvPool {
    this.#checkAlive();
    const pool = new WasmKvPool(this.banks, layout, () => {
      this.#checkAlive();
      this.workers.throwIfLost();
    });
    this.#pools.add(pool);
    return pool;
  }

  free(tensor: Tensor): void {
    const { storage } = asWasm(tensor);
    check(!storage.program, () => `free: the tensor (${tensor.shape}) belongs to its step`);
    if (!this.#disposed) this.banks.release(storage);
  }

  // Steps ------------------------------------------------------------------------------------------------------------
  async step(record: () => StepResult): Promise<Float32Array> {
    this.#checkAlive();
    check(!this.#stepping, () => 'step: the step before has not ended');
    this.workers.throwIfLost();
    this.#stepping = true;
    try {
      const { ran, wanted } = this.#replay(record) ?? this.#record(record);
      this.#before = undefined;
      await this.#packing.idle;
      await (ran.placed.entries > 0 ? this.workers.run(ran.placed) : undefined);
      const values = await readBack(wanted, (tensor) => this.#valuesOf(asWasm(tensor)));
      ran.placed.release();
      this.#before = ran;
      return values;
    } finally {
      this.#stepping = false;
    }
  }

  /** Takes the program of the step before where the operations are the same. */
  #replay(record: () => StepResult): NewStep | undefined {
    const ran = this.#before;
    if (!ran || this.#profiled) return undefined;
    const step = new ReplayedStep(ran.calls);
    let wanted: StepResult;
    try {
      wanted = this.#within(step, record);
    } catch {
      return undefined; // It diverged. Any other error is thrown again while the step is recorded.
    }
    const results = tensorsOf(wanted);
    const isSame = results.length === ran.results.length && results.every((tensor, i) => tensor === ran.results[i]);
    if (!step.isComplete || !isSame || !ran.placed.retake()) return undefined;
    this.replays++;
    return { ran, wanted };
  }

  #record(record: () => StepResult): NewStep {
    const program = new Program();
    const { length: threads } = this.workers.threads;
    const step = new RecordedStep({ program, threads, quantised: new Map() });
    const wanted = this.#within(step, record);
    const results = tensorsOf(wanted).map(asWasm);
    for (const { dtype } of results) check(dtype === 'f32', () => `step: the result is ${dtype}, not f32`);
    const placed = program.place(this.banks, threads, results, { before: this.#layout, profile: this.#profiled });
    this.#layout = placed.layout;
    return { ran: { placed, calls: step.calls, results }, wanted };
  }

  #within(step: Step, record: () => StepResult): StepResult {
    this.#step = step;
    this.#pages.clear();
    try {
      return record();
    } finally {
      this.#step = undefined;
    }
  }

  /** Starts timing the operations of each step, which costs about a microsecond each; discards earlier times. */
  startProfile(): void {
    this.#profiled = new Profile();
  }

  /** Times of steps since startProfile, by operation, the longest first. */
  profile(): readonly OperationTime[] {
    return this.#profiled?.sums ?? [];
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    await this.workers.dispose();
  }

  #valuesOf({ shape, storage, offset }: WasmTensor): Float32Array {
    const at = (storage.address + offset) / 4;
    const { f32 } = this.banks.at(storage.bank!).heap.view;
    return new Float32Array(f32.subarray(at, at + count(shape)));
  }

  #checkAlive(): void {
    check(!this.#disposed, () => 'the WASM backend was disposed');
  }

  get #current(): Step {
    check(this.#step !== undefined, () => 'an operation outside a step');
    return this.#step;
  }

  // Operations -------------------------------------------------------------------------------------------------------
  input(data: Float32Array, shape: readonly number[]): Tensor {
    check(data.length === count(shape), () => `input: ${data.length} values for shape (${shape})`);
    return this.#current.perform(recordInput, this.#current.write(data.slice()), shape);
  }

  embed(table: Tensor, ids: readonly number[], scale = 1): Tensor {
    const vocabulary = table.shape[0]!;
    for (const id of ids) check(id >= 0 && id < vocabulary, () => `embed: id ${id} of a table (${table.shape})`);
    return this.#current.perform(recordEmbed, asWasm(table), this.#idList(ids), ids.length, scale);
  }

  rmsNorm(x: Tensor, weight: Tensor, eps: number): Tensor {
    return this.#current.perform(recordRmsNorm, x, weight, eps);
  }

  layerNorm(x: Tensor, weight: Tensor, bias: Tensor, eps: number): Tensor {
    return this.#current.perform(recordLayerNorm, x, weight, bias, eps);
  }

  headNorm(qkv: Tensor, norms: HeadNorms<Tensor>, shape: AttentionShape, eps: number): Tensor {
    return this.#current.perform(recordHeadNorm, qkv, norms, shape, eps);
  }

  linear(x: Tensor, weight: Tensor, { bias, residual }: Epilogue = {}): Tensor {
    const added = [bias && asWasm(bias), residual && asWasm(residual)] as const;
    return this.#current.perform(recordLinear, asWasm(x), asWasm(weight), ...added);
  }

  appendKv(
    qkv: Tensor,
    rope: Tensor,
    kv: KvView,
    layer: number,
    shape: AttentionShape & { readonly order: QkvOrder },
  ): Tensor {
    const { pages, dtype, index } = this.#placeOf(kv, layer, shape, qkv.shape[0]!);
    return this.#current.perform(recordAppendKv, qkv, rope, pages, dtype, index, shape);
  }

  attention(q: Tensor, kv: KvView, layer: number, options: AttentionOptions): Tensor {
    const tokens = q.shape[0]!;
    const { pages, dtype, index } = this.#placeOf(kv, layer, options, tokens);
    const position = dependsOnPosition(tokens, options) ? kv.length : undefined;
    return this.#current.perform(recordAttention, asWasm(q), pages, dtype, index, options, position);
  }

  siluMul(gateUp: Tensor): Tensor {
    return this.#current.perform(recordSiluMul, gateUp);
  }

  gegelu(x: Tensor, limit: number): Tensor {
    return this.#current.perform(recordGegelu, x, limit);
  }

  maskedScale(x: Tensor, mask: Tensor, factor: number): Tensor {
    return this.#current.perform(recordMaskedScale, x, mask, factor);
  }

  gelu(x: Tensor, kind: Gelu): Tensor {
    return this.#current.perform(recordGelu, x, kind);
  }

  lastRows(x: Tensor, wanted: number): Tensor {
    return this.#current.perform(recordLastRows, x, wanted);
  }

  gatherRows(x: Tensor, ids: readonly number[], side = 1): Tensor {
    const shape = checkGatherRows(x, ids, side);
    return this.#current.perform(recordGatherRows, x, this.#idList(ids), ids.length, ...shape);
  }

  replaceRows(x: Tensor, at: number, rows: Tensor): Tensor {
    checkReplaceRows(x, at, rows);
    return this.#current.perform(recordReplaceRows, x, at, rows, this.#idList([...Array(rows.shape[0]).keys()]));
  }

  argmax(logits: Tensor): Tensor {
    return this.#current.perform(recordArgmax, logits);
  }

  topK(logits: Tensor, k: number, inverseTemperature: number): Tensor {
    return this.#current.perform(recordTopK, logits, k, inverseTemperature);
  }

  #idList(ids: readonly number[]): Storage {
    return this.#current.write(Int32Array.from(ids));
  }

  /** What tells kernels where the keys and values of `kv` are. All operations of a step share one list of its pages. */
  #placeOf(kv: KvView, layer: number, shape: AttentionShape, tokens: number) {
    const pool = kv.pool as WasmKvPool;
    check(this.#pools.has(pool), () => 'a KV pool of another backend');
    const { layout } = pool;
    check(layer < layout.layers && shape.kvHeads === layout.kvHeads && shape.headDim === layout.headDim, () => {
      return `kv: layer ${layer}, ${shape.kvHeads} x ${shape.headDim} in a pool of ${JSON.stringify(layout)}`;
    });
    let lists = this.#pages.get(kv);
    if (!lists) this.#pages.set(kv, (lists = new Map<number, Storage>()));
    const { bank, index } = pool.placeOf(layer);
    let pages = lists.get(bank);
    if (!pages) lists.set(bank, (pages = this.#current.write(pool.listOf(kv, kv.length + tokens, bank), bank)));
    return { pages, dtype: DTypeCode[layout.dtype], index };
  }
}

/** A step that has run, with all that another one can be compared with. */
interface RanStep {
  readonly placed: PlacedProgram;
  readonly calls: readonly Call[];
  readonly results: readonly Tensor[];
}

/** A step whose program is ready to run, and what it reads back. */
interface NewStep {
  readonly ran: RanStep;
  readonly wanted: StepResult;
}

function count(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

export { wasmReport } from './host/report.ts';
