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
import { checkHeadNorm } from '../shared/headNorm.ts';
import { readBack, tensorsOf } from '../shared/readBack.ts';
import { checkGatherRows, checkReplaceRows } from '../shared/rows.ts';
import { checkedK } from '../shared/topK.ts';
import { type BankOptions, Banks } from './host/banks.ts';
import { WasmKvPool } from './host/kvPool.ts';
import type { Layout } from './host/layout.ts';
import { DTypeCode, FACTORS_BYTES, MOST_Q8_HEAD_DIM, Opcode, ARGMAX_CHUNK, TOP_K_CHUNK } from './opcodes.ts';
import { recordAttention } from './host/recordAttention.ts';
import { recordLinear } from './host/recordLinear.ts';
import { recordGegelu, recordGelu, recordMaskedScale, recordSiluMul } from './host/recordValues.ts';
import { type Recording, cheapGrain, share } from './host/recording.ts';
import { Packing } from './host/packing.ts';
import { chooseKernels, chooseThreads, type SimdChoice } from './host/platform.ts';
import { Profile } from './host/profile.ts';
import { floatWord, Program } from './host/program.ts';
import { asWasm, type Storage, type WasmTensor } from './host/tensor.ts';
import { floatRowBytes } from './host/weightLayout.ts';
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

/** Ops on the CPU: records a step as a program and lets the workers run it. */
export class WasmOps implements Ops {
  readonly backend = 'wasm';
  readonly #pools = new Set<WasmKvPool>();
  readonly #packing: Packing;
  #recording: Recording | undefined;
  /** Of the last step. */
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
      const program = new Program();
      this.#recording = { program, threads: this.workers.threads.length, quantised: new Map(), pages: new Map() };
      const wanted = record();
      this.#recording = undefined;
      const results = tensorsOf(wanted).map(asWasm);
      for (const { dtype } of results) check(dtype === 'f32', () => `step: the result is ${dtype}, not f32`);
      const { length: threads } = this.workers.threads;
      const placed = program.place(this.banks, threads, results, { before: this.#layout, profile: this.#profiled });
      this.#layout = placed.layout;
      await this.#packing.idle;
      await (program.empty ? undefined : this.workers.run(placed));
      const values = await readBack(wanted, (tensor) => this.#valuesOf(asWasm(tensor)));
      placed.release();
      return values;
    } finally {
      this.#recording = undefined;
      this.#stepping = false;
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

  get #current(): Recording {
    check(this.#recording !== undefined, () => 'an operation outside a step');
    return this.#recording;
  }

  // Operations -------------------------------------------------------------------------------------------------------
  input(data: Float32Array, shape: readonly number[]): Tensor {
    check(data.length === count(shape), () => `input: ${data.length} values for shape (${shape})`);
    return this.#current.program.tensor(shape, data.slice());
  }

  embed(table: Tensor, ids: readonly number[], scale = 1): Tensor {
    const { program } = this.#current;
    const [vocabulary, cols] = table.shape as readonly [number, number];
    for (const id of ids) check(id >= 0 && id < vocabulary, () => `embed: id ${id} of a table (${table.shape})`);
    const y = program.tensor([ids.length, cols]);
    const idList = program.storage(4 * ids.length, Int32Array.from(ids));
    const rowBytes = floatRowBytes(cols, table.dtype);
    const words = [asWasm(table), idList, y, cols, DTypeCode[table.dtype], rowBytes, floatWord(scale)];
    program.add({ opcode: Opcode.embed, items: ids.length, grain: 1, words, scratch: FACTORS_BYTES });
    return y;
  }

  rmsNorm(x: Tensor, weight: Tensor, eps: number): Tensor {
    const { program } = this.#current;
    const [rows, cols] = x.shape as readonly [number, number];
    check(weight.shape[0] === cols, () => `rmsNorm: weight is (${weight.shape}), x is (${x.shape})`);
    const y = program.tensor([rows, cols]);
    const words = [asWasm(x), asWasm(weight), y, cols, floatWord(eps)];
    program.defer(y, { opcode: Opcode.rmsNorm, items: rows, grain: 1, words });
    return y;
  }

  layerNorm(x: Tensor, weight: Tensor, bias: Tensor, eps: number): Tensor {
    const { program } = this.#current;
    const [rows, cols] = x.shape as readonly [number, number];
    check(weight.shape[0] === cols && bias.shape[0] === cols, () => {
      return `layerNorm: weight is (${weight.shape}), bias is (${bias.shape}), x is (${x.shape})`;
    });
    const y = program.tensor([rows, cols]);
    const words = [asWasm(x), asWasm(weight), asWasm(bias), y, cols, floatWord(eps)];
    program.defer(y, { opcode: Opcode.layerNorm, items: rows, grain: 1, words });
    return y;
  }

  headNorm(qkv: Tensor, norms: HeadNorms<Tensor>, shape: AttentionShape, eps: number): Tensor {
    const { program, threads } = this.#current;
    const items = checkHeadNorm(qkv, norms, shape);
    const y = program.tensor(qkv.shape);
    const sizes = [shape.heads, shape.kvHeads, shape.headDim, floatWord(eps)];
    const words = [asWasm(qkv), asWasm(norms.q), asWasm(norms.k), y, ...sizes];
    program.add({ opcode: Opcode.headNorm, items, grain: cheapGrain(count(qkv.shape), items, threads, 4), words });
    return y;
  }

  linear(x: Tensor, weight: Tensor, { bias, residual }: Epilogue = {}): Tensor {
    const [rows, inputs] = x.shape;
    const [out, columns] = weight.shape;
    check(inputs === columns, () => `linear: weight is (${weight.shape}), x is (${x.shape})`);
    check(
      !residual || (residual.shape[0] === rows && residual.shape[1] === out),
      () => `linear: residual is (${residual!.shape}), the product is (${rows},${out})`,
    );
    check(!bias || bias.shape[0] === out, () => `linear: bias is (${bias!.shape}), weight is (${weight.shape})`);
    const add = { bias: bias && asWasm(bias), residual: residual && asWasm(residual) };
    return recordLinear(this.#current, asWasm(x), asWasm(weight), add);
  }

  appendKv(
    qkv: Tensor,
    rope: Tensor,
    kv: KvView,
    layer: number,
    shape: AttentionShape & { readonly order: QkvOrder },
  ): Tensor {
    const { program, threads } = this.#current;
    const { heads, kvHeads, headDim, order } = shape;
    const [tokens, width] = qkv.shape as readonly [number, number];
    const slots = heads + 2 * kvHeads;
    check(width === slots * headDim, () => `appendKv: qkv is (${qkv.shape}), heads want ${slots} x ${headDim}`);
    check(rope.shape[0] === tokens && rope.shape[1] === headDim, () => `appendKv: rope is (${rope.shape})`);
    const { pages, dtype, layer: index } = this.#kvWords(kv, layer, shape, tokens);
    const q = program.tensor([tokens, heads * headDim]);
    const sizes = [heads, kvHeads, headDim, kv.length, dtype, index, order === 'byGroup' ? 1 : 0];
    const words = [asWasm(qkv), asWasm(rope), q, pages, ...sizes];
    const items = tokens * slots;
    const scratch = 4 * headDim;
    program.add({
      opcode: Opcode.appendKv,
      items,
      grain: cheapGrain(tokens * width, items, threads, 4),
      words,
      scratch,
    });
    return q;
  }

  attention(q: Tensor, kv: KvView, layer: number, options: AttentionOptions): Tensor {
    const { heads, kvHeads, headDim } = options;
    check(q.shape[1] === heads * headDim, () => `attention: q is (${q.shape}), heads want ${heads} x ${headDim}`);
    check(heads % kvHeads === 0, () => `attention: ${heads} heads do not share ${kvHeads} kv heads evenly`);
    const kvWords = this.#kvWords(kv, layer, options, q.shape[0]!);
    check(kvWords.dtype !== DTypeCode.q8 || headDim <= MOST_Q8_HEAD_DIM, () => {
      return `attention: headDim ${headDim}, an 8-bit cache can have ${MOST_Q8_HEAD_DIM}`;
    });
    return recordAttention(this.#current, asWasm(q), { ...options, ...kvWords, position: kv.length });
  }

  siluMul(gateUp: Tensor): Tensor {
    return recordSiluMul(this.#current, gateUp);
  }

  gegelu(x: Tensor, limit: number): Tensor {
    return recordGegelu(this.#current, x, limit);
  }

  maskedScale(x: Tensor, mask: Tensor, factor: number): Tensor {
    return recordMaskedScale(this.#current, x, mask, factor);
  }

  gelu(x: Tensor, kind: Gelu): Tensor {
    return recordGelu(this.#current, x, kind);
  }

  lastRows(x: Tensor, wanted: number): Tensor {
    const { shape, storage, offset } = asWasm(x);
    const [rows, cols] = shape as readonly [number, number];
    check(wanted > 0 && wanted <= rows, () => `lastRows: ${wanted} rows of (${shape})`);
    const view: WasmTensor = {
      shape: [wanted, cols],
      dtype: 'f32',
      storage,
      offset: offset + 4 * (rows - wanted) * cols,
    };
    return view;
  }

  gatherRows(x: Tensor, ids: readonly number[], side = 1): Tensor {
    const y = this.#current.program.tensor(checkGatherRows(x, ids, side));
    this.#copyRows(asWasm(x), ids, y);
    return y;
  }

  replaceRows(x: Tensor, at: number, rows: Tensor): Tensor {
    checkReplaceRows(x, at, rows);
    const { storage, offset } = asWasm(x);
    const { shape } = rows;
    const place: WasmTensor = { shape, dtype: 'f32', storage, offset: offset + 4 * at * shape[1]! };
    this.#copyRows(asWasm(rows), [...Array(shape[0]).keys()], place);
    return x;
  }

  argmax(logits: Tensor): Tensor {
    const { program } = this.#current;
    const [rows, cols] = logits.shape as readonly [number, number];
    const chunks = Math.ceil(cols / ARGMAX_CHUNK);
    const partial = program.storage(12 * rows * chunks);
    const y = program.tensor([rows, 2]);
    const words = [asWasm(logits), partial, cols, chunks];
    program.add({ opcode: Opcode.argmaxPartial, items: rows * chunks, grain: 1, words });
    program.add({ opcode: Opcode.argmax, items: rows, grain: 1, words: [partial, y, chunks] });
    return y;
  }

  topK(logits: Tensor, most: number, inverseTemperature: number): Tensor {
    const { program, threads } = this.#current;
    const [rows, cols] = logits.shape as readonly [number, number];
    const k = checkedK(logits, most, inverseTemperature);
    const chunk = Math.max(TOP_K_CHUNK, Math.ceil(cols / threads));
    const chunks = Math.ceil(cols / chunk);
    const lists = program.storage(4 * rows * chunks * (2 * k + 2));
    const y = program.tensor([rows, 2 * k + 2]);
    const sizes = [cols, chunk, k, floatWord(inverseTemperature)];
    program.add({
      opcode: Opcode.topKPartial,
      items: rows * chunks,
      grain: 1,
      words: [asWasm(logits), lists, ...sizes],
    });
    const words = [lists, y, ...sizes];
    program.add({ opcode: Opcode.topK, items: rows, grain: 1, words, scratch: 4 * chunks });
    return y;
  }

  /** to = rows `ids` of x, one after the other. */
  #copyRows(x: WasmTensor, ids: readonly number[], to: WasmTensor): void {
    const { program, threads } = this.#current;
    const cols = x.shape[1]!;
    const idList = program.storage(4 * ids.length, Int32Array.from(ids));
    const words = [x, idList, to, cols, DTypeCode.f32, 4 * cols, floatWord(1)];
    program.add({ opcode: Opcode.embed, items: ids.length, grain: share(ids.length, threads, 1), words });
  }

  /** The descriptor words by which kernels find the pages of `kv`. All operations of a step share one list of addresses. */
  #kvWords(kv: KvView, layer: number, shape: AttentionShape, tokens: number) {
    const recording = this.#current;
    const pool = kv.pool as WasmKvPool;
    check(this.#pools.has(pool), () => 'a KV pool of another backend');
    const { layout } = pool;
    check(layer < layout.layers && shape.kvHeads === layout.kvHeads && shape.headDim === layout.headDim, () => {
      return `kv: layer ${layer}, ${shape.kvHeads} x ${shape.headDim} in a pool of ${JSON.stringify(layout)}`;
    });
    let lists = recording.pages.get(kv);
    if (!lists) recording.pages.set(kv, (lists = new Map<number, Storage>()));
    const { bank, index } = pool.placeOf(layer);
    let pages = lists.get(bank);
    if (!pages) {
      const addresses = pool.addressesOf(kv, kv.length + tokens, bank);
      lists.set(bank, (pages = recording.program.addresses(bank, addresses)));
    }
    return { pages, dtype: DTypeCode[layout.dtype], layer: index };
  }
}

function count(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

export { wasmReport } from './host/report.ts';
