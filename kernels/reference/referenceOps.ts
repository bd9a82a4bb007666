import { freemem } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import { check } from '../check.ts';
import { f16ToF32, f32ToF16 } from '../shared/f16.ts';
import { checkHeadNorm } from '../shared/headNorm.ts';
import { readBack } from '../shared/readBack.ts';
import { checkGatherRows, checkReplaceRows } from '../shared/rows.ts';
import { RowCounter } from '../shared/rowCounter.ts';
import { checkedK } from '../shared/topK.ts';
import {
  type Epilogue,
  type AttentionOptions,
  type AttentionShape,
  type Gelu,
  type HeadNorms,
  type KvDType,
  type KvLayout,
  type KvPool,
  type KvView,
  type Ops,
  type QkvOrder,
  type StepResult,
  type Tensor,
  type WeightDType,
  type WeightWriter,
  PAGE_TOKENS,
} from '../ops.ts';
import { attention } from './attention.ts';
import { embed } from './embed.ts';
import { gegelu } from './gegelu.ts';
import { gelu } from './gelu.ts';
import { roundToQ8 } from './kvQ8.ts';
import { layerNorm } from './layerNorm.ts';
import { headNorm } from './headNorm.ts';
import { linear } from './linear.ts';
import { maskedScale } from './maskedScale.ts';
import { rmsNorm } from './rmsNorm.ts';
import { rope } from './rope.ts';
import { siluMul } from './siluMul.ts';
import { argmax } from './argmax.ts';
import { topK } from './topK.ts';
import { roundTripStored } from './weight.ts';

interface HostTensor extends Tensor {
  readonly data: Float32Array;
}

/** Ops in plain loops with f64 sums: the ground truth. Quantised weights are held as their dequantised values. */
export class ReferenceOps implements Ops {
  readonly backend = 'reference';
  readonly deviceName = 'plain loops in f64';
  #held = 0;
  #stepping = false;

  get bytesHeld(): number {
    return this.#held;
  }

  get bytesFree(): number {
    return freemem();
  }

  createWeight(shape: readonly [number, number], dtype: WeightDType): WeightWriter {
    const counter = new RowCounter(shape, dtype);
    const data = new Float32Array(shape[0] * shape[1]);
    return {
      writeStored: async (bytes, type, fill) => {
        const { first } = counter.take(bytes, type);
        const stored = new Uint8Array(bytes);
        await fill(stored);
        const { values, largest } = roundTripStored(stored, type, dtype);
        data.set(values, first * shape[1]);
        return largest;
      },
      finish: async () => {
        counter.checkComplete();
        return this.#keep(data, shape, dtype);
      },
    };
  }

  upload(data: Float32Array, shape: readonly number[]): Tensor {
    return this.#keep(data.slice(), shape, 'f32');
  }

  free(tensor: Tensor): void {
    this.#held -= host(tensor).byteLength;
  }

  mostKvPages(): number {
    return Infinity;
  }

  createKvPool(layout: KvLayout): KvPool {
    const pageValues = 2 * layout.layers * PAGE_TOKENS * layout.kvHeads * layout.headDim;
    return new ReferenceKvPool(layout, pageValues, (bytes) => (this.#held += bytes));
  }

  async step(record: () => StepResult): Promise<Float32Array> {
    check(!this.#stepping, () => 'step: the step before has not ended');
    this.#stepping = true;
    try {
      const values = await readBack(record(), host);
      await setImmediate(); // A step is an event: others, who may cancel the next one, get their turn.
      return values;
    } finally {
      this.#stepping = false;
    }
  }

  async dispose(): Promise<void> {
    this.#held = 0;
  }

  input(data: Float32Array, shape: readonly number[]): Tensor {
    return tensor(data.slice(), shape);
  }

  embed(table: Tensor, ids: readonly number[], scale = 1): Tensor {
    const width = table.shape[1]!;
    return tensor(embed(host(table), ids, width, scale), [ids.length, width]);
  }

  rmsNorm(x: Tensor, weight: Tensor, eps: number): Tensor {
    check(weight.shape[0] === x.shape[1], () => `rmsNorm: weight is (${weight.shape}), x is (${x.shape})`);
    return tensor(rmsNorm(host(x), host(weight), eps), x.shape);
  }

  layerNorm(x: Tensor, weight: Tensor, bias: Tensor, eps: number): Tensor {
    check(weight.shape[0] === x.shape[1], () => `layerNorm: weight is (${weight.shape}), x is (${x.shape})`);
    return tensor(layerNorm(host(x), host(weight), host(bias), eps), x.shape);
  }

  headNorm(qkv: Tensor, norms: HeadNorms<Tensor>, shape: AttentionShape, eps: number): Tensor {
    checkHeadNorm(qkv, norms, shape);
    return tensor(headNorm(host(qkv), { q: host(norms.q), k: host(norms.k) }, shape, eps), qkv.shape);
  }

  linear(x: Tensor, weight: Tensor, { bias, residual }: Epilogue = {}): Tensor {
    const [outs, width] = weight.shape as [number, number];
    check(x.shape[1] === width, () => `linear: weight is (${weight.shape}), x is (${x.shape})`);
    const add = { bias: bias && host(bias), residual: residual && host(residual) };
    return tensor(linear(host(x), host(weight), width, add), [x.shape[0]!, outs]);
  }

  appendKv(
    qkv: Tensor,
    ropeTable: Tensor,
    kv: KvView,
    layer: number,
    shape: AttentionShape & { readonly order: QkvOrder },
  ): Tensor {
    const { heads, kvHeads, headDim, order } = shape;
    const pool = kv.pool as ReferenceKvPool;
    const tokens = qkv.shape[0]!;
    const q = new Float32Array(tokens * heads * headDim);
    const group = heads / kvHeads;
    const slots = {
      byKind: { q: (h: number) => h, k: (h: number) => heads + h, v: (h: number) => heads + kvHeads + h },
      byGroup: {
        q: (h: number) => Math.floor(h / group) * (group + 2) + (h % group),
        k: (h: number) => h * (group + 2) + group,
        v: (h: number) => h * (group + 2) + group + 1,
      },
    }[order];
    for (let t = 0; t < tokens; t++) {
      const table = host(ropeTable).subarray(t * headDim, (t + 1) * headDim);
      const head = (slot: number): Float32Array => {
        const at = (t * (heads + 2 * kvHeads) + slot) * headDim;
        return host(qkv).subarray(at, at + headDim);
      };
      for (let h = 0; h < heads; h++) q.set(rope(head(slots.q(h)), table), (t * heads + h) * headDim);
      for (let h = 0; h < kvHeads; h++) {
        pool.store(kv, layer, 'key', kv.length + t, h, rope(head(slots.k(h)), table));
        pool.store(kv, layer, 'value', kv.length + t, h, head(slots.v(h)));
      }
    }
    return tensor(q, [tokens, heads * headDim]);
  }

  attention(q: Tensor, kv: KvView, layer: number, options: AttentionOptions): Tensor {
    const pool = kv.pool as ReferenceKvPool;
    const mixed = attention(host(q), {
      ...options,
      start: kv.length,
      key: (position, kvHead) => pool.at(kv, layer, 'key', position, kvHead),
      value: (position, kvHead) => pool.at(kv, layer, 'value', position, kvHead),
    });
    return tensor(mixed, q.shape);
  }

  siluMul(gateUp: Tensor): Tensor {
    const [rows, both] = gateUp.shape as [number, number];
    return tensor(siluMul(host(gateUp), both / 2), [rows, both / 2]);
  }

  gegelu(x: Tensor, limit: number): Tensor {
    const [rows, both] = x.shape as [number, number];
    return tensor(gegelu(host(x), limit), [rows, both / 2]);
  }

  maskedScale(x: Tensor, mask: Tensor, factor: number): Tensor {
    check(mask.shape[0] === x.shape[1], () => `maskedScale: mask is (${mask.shape}), x is (${x.shape})`);
    return tensor(maskedScale(host(x), host(mask), factor), x.shape);
  }

  gelu(x: Tensor, kind: Gelu): Tensor {
    return tensor(gelu(host(x), kind), x.shape);
  }

  lastRows(x: Tensor, count: number): Tensor {
    const [rows, cols] = x.shape as [number, number];
    check(count <= rows, () => `lastRows: ${count} of (${x.shape})`);
    return tensor(host(x).slice((rows - count) * cols), [count, cols]);
  }

  gatherRows(x: Tensor, ids: readonly number[], side = 1): Tensor {
    return tensor(embed(host(x), ids, x.shape[1]!, 1), checkGatherRows(x, ids, side));
  }

  replaceRows(x: Tensor, at: number, rows: Tensor): Tensor {
    checkReplaceRows(x, at, rows);
    host(x).set(host(rows), at * x.shape[1]!);
    return x;
  }

  argmax(logits: Tensor): Tensor {
    return tensor(argmax(host(logits), logits.shape[1]!), [logits.shape[0]!, 2]);
  }

  topK(logits: Tensor, most: number, inverseTemperature: number): Tensor {
    const k = checkedK(logits, most, inverseTemperature);
    return tensor(topK(host(logits), logits.shape[1]!, { k, inverseTemperature }), [logits.shape[0]!, 2 * k + 2]);
  }

  #keep(data: Float32Array, shape: readonly number[], dtype: WeightDType): HostTensor {
    this.#held += data.byteLength;
    return { data, shape, dtype };
  }
}

/** (page, layer, key | value, slot, kvHead, headDim) in f32, rounded on the way in as the layout's format rounds. */
class ReferenceKvPool implements KvPool {
  capacity = 0;
  readonly pageBytes: number;
  #data = new Float32Array();

  readonly #pageValues: number;
  readonly #account: (bytes: number) => void;

  constructor(
    readonly layout: KvLayout,
    pageValues: number,
    account: (bytes: number) => void,
  ) {
    this.#pageValues = pageValues;
    this.#account = account;

    this.pageBytes = pageValues * 4;
  }

  async grow(pages: number): Promise<void> {
    if (pages <= this.capacity) return;
    const larger = new Float32Array(pages * this.#pageValues);
    larger.set(this.#data);
    this.#account(larger.byteLength - this.#data.byteLength);
    this.#data = larger;
    this.capacity = pages;
  }

  async copy(from: number, to: number): Promise<void> {
    this.#data.copyWithin(to * this.#pageValues, from * this.#pageValues, (from + 1) * this.#pageValues);
  }

  async read(page: number): Promise<Uint8Array> {
    return new Uint8Array(this.#page(page).slice().buffer);
  }

  async write(page: number, bytes: Uint8Array): Promise<void> {
    this.#page(page).set(new Float32Array(bytes.slice().buffer));
  }

  #page(id: number): Float32Array {
    return this.#data.subarray(id * this.#pageValues, (id + 1) * this.#pageValues);
  }

  store(kv: KvView, layer: number, kind: 'key' | 'value', position: number, head: number, x: Float32Array): void {
    this.at(kv, layer, kind, position, head).set(ROUNDED[this.layout.dtype](x));
  }

  at(kv: KvView, layer: number, kind: 'key' | 'value', position: number, head: number): Float32Array {
    const { layers, kvHeads, headDim } = this.layout;
    const page = kv.pages[Math.floor(position / PAGE_TOKENS)];
    check(page !== undefined && page < this.capacity, () => `KV cache: no page for position ${position}`);
    const row = ((page * layers + layer) * 2 + (kind === 'key' ? 0 : 1)) * PAGE_TOKENS + (position % PAGE_TOKENS);
    const start = (row * kvHeads + head) * headDim;
    return this.#data.subarray(start, start + headDim);
  }

  dispose(): void {
    this.clear();
  }

  clear(): void {
    this.#account(-this.#data.byteLength);
    this.#data = new Float32Array();
    this.capacity = 0;
  }
}

/** A head's key or value as the cache's format keeps it. */
const ROUNDED: Record<KvDType, (x: Float32Array) => Float32Array> = {
  f32: (x) => x,
  f16: (x) => x.map((value) => f16ToF32(f32ToF16(value))),
  q8: roundToQ8,
};

function tensor(data: Float32Array, shape: readonly number[]): HostTensor {
  return { data, shape, dtype: 'f32' };
}

function host(x: Tensor): Float32Array {
  return (x as HostTensor).data;
}
