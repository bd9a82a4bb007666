import type { AttentionOptions, KvDType, KvView, Ops, Sparsity, Tensor } from '../../../kernels/ops.ts';
import { PAGE_TOKENS } from '../../../kernels/ops.ts';
import { visibleBlock, visibleBlocks } from '../../../kernels/sparsity.ts';
import { throwIfAborted } from '../../../engine/errors.ts';
import type { Measurement } from '../../../engine/cli/bench/backends.ts';
import { openBackend } from '../../../engine/load/openBackend.ts';
import { parsePhi3SmallConfig } from '../../../engine/models/phi3SmallConfig.ts';
import { SHAPES } from './shapes.ts';
import { mulberry32 } from '../../../engine/inference/random.ts';
import { median } from '../../../engine/discovery/memoryBandwidth.ts';

/** Time of block-sparse over that of dense attention, beside the share of keys that is visible. Ideally both are equal. */
export interface AttentionRow {
  phase: 'decode' | 'prefill';
  kv: KvDType;
  context: number;
  denseMs: number;
  sparseMs: number;
  /** Share of the keys that a head sees. */
  visible: number;
  /** Share of keys and values that at least one head of a group sees, so that they must be read for one token. */
  read: number;
  /** (sparse / dense) / visible. */
  overIdeal: number;
}

const CONTEXTS = [2048, 4096, 8192, 16384, 32768];
const PREFILL_TOKENS = 64;
const CACHES: readonly KvDType[] = ['f16', 'q8'];
const REPEATS = 5;
/** A measurement repeats its operation within one step until it takes about this long. */
const STEP_MS = 60;
/** Longer contexts are left out once dense attention takes longer than this. */
const MAX_DENSE_MS = 4000;

/** One layer of phi-3-small's shape with random keys and values: the newest token and the newest 64 of each context. */
export const ATTENTION: Measurement<AttentionRow> = {
  subject: "attention of one layer, phi-3-small's shape",
  layout: 'table',
  columns: [
    { title: 'phase', width: 8, text: ({ phase }) => phase },
    { title: 'KV cache', text: ({ kv }) => kv },
    { title: 'context', text: ({ context }) => String(context) },
    { title: 'dense ms', width: 10, text: ({ denseMs }) => denseMs.toFixed(2) },
    { title: 'block-sparse ms', text: ({ sparseMs }) => sparseMs.toFixed(2) },
    { title: 'ratio', width: 8, text: ({ denseMs, sparseMs }) => percent(sparseMs / denseMs) },
    { title: 'visible', width: 8, text: ({ visible }) => percent(visible) },
    { title: 'over ideal', text: ({ overIdeal }) => overIdeal.toFixed(2) },
    { title: 'read by a group', text: ({ phase, read }) => (phase === 'decode' ? percent(read) : '') },
  ],
  async *rows({ load, signal }) {
    const { ops } = await openBackend(load);
    try {
      for (const kv of CACHES) {
        const layer = new Layer(ops, kv);
        for (const phase of ['decode', 'prefill'] as const) {
          for (const context of CONTEXTS) {
            throwIfAborted(signal);
            await layer.fill(context);
            const row = await layer.compare(phase, context);
            yield row;
            if (row.denseMs > MAX_DENSE_MS) break;
          }
        }
        layer.dispose();
      }
    } finally {
      await ops.dispose();
    }
  },
};

class Layer {
  readonly #config = parsePhi3SmallConfig(SHAPES['phi-3-small']);
  readonly #pool;
  readonly #next = mulberry32(1);
  #length = 0;

  readonly #ops: Ops;
  readonly #kv: KvDType;

  constructor(ops: Ops, kv: KvDType) {
    this.#ops = ops;
    this.#kv = kv;

    const { kvHeads, headDim } = this.#config;
    this.#pool = ops.createKvPool({ layers: 1, kvHeads, headDim, dtype: kv });
  }

  /** Appends random keys and values up to `context`. */
  async fill(context: number): Promise<void> {
    const { heads, kvHeads, headDim } = this.#config;
    await this.#pool.grow(context / PAGE_TOKENS);
    const width = (heads + 2 * kvHeads) * headDim;
    for (; this.#length < context; this.#length += PAGE_TOKENS) {
      const view = this.#view(this.#length, PAGE_TOKENS);
      const qkv = this.#random(PAGE_TOKENS * width);
      const rope = new Float32Array(PAGE_TOKENS * headDim).map((_, i) => Number(i % headDim < headDim / 2));
      await this.#ops.step(() => {
        const [x, table] = [this.#ops.input(qkv, [PAGE_TOKENS, width]), this.#ops.input(rope, [PAGE_TOKENS, headDim])];
        return this.#ops.appendKv(x, table, view, 0, { ...this.#config, order: 'byGroup' });
      });
    }
  }

  async compare(phase: AttentionRow['phase'], context: number): Promise<AttentionRow> {
    const tokens = phase === 'decode' ? 1 : PREFILL_TOKENS;
    const { heads, kvHeads, headDim, attentionScale: scale, sparsity } = this.#config;
    const options = { heads, kvHeads, headDim, scale, window: context };
    const [denseMs, sparseMs] = await this.#times(context - tokens, tokens, [options, { ...options, sparsity }]);
    const visible = visibleShare(context - tokens, tokens, heads, sparsity);
    const read = readShare(context - 1, heads / kvHeads, sparsity);
    return { phase, kv: this.#kv, context, denseMs, sparseMs, visible, read, overIdeal: sparseMs / denseMs / visible };
  }

  dispose(): void {
    this.#pool.dispose();
  }

  /** Median milliseconds of one attention of each kind. The kinds take turns, so that a busy machine slows both. */
  async #times(length: number, tokens: number, kinds: AttentionOptions[]): Promise<[number, number]> {
    const ops = this.#ops;
    const width = this.#config.heads * this.#config.headDim;
    const view = this.#view(length, tokens);
    const values = this.#random(tokens * width);
    const time = async (options: AttentionOptions, count: number): Promise<number> => {
      const started = performance.now();
      await ops.step(() => {
        const q = ops.input(values, [tokens, width]);
        let y: Tensor = q;
        for (let i = 0; i < count; i++) y = ops.attention(q, view, 0, options);
        return ops.lastRows(y, 1);
      });
      return performance.now() - started;
    };
    const counts: number[] = [];
    for (const kind of kinds) {
      await time(kind, 1); // Compiles, and touches the pages.
      counts.push(Math.max(1, Math.min(64, Math.round(STEP_MS / (await time(kind, 1))))));
    }
    const samples: number[][] = kinds.map(() => []);
    for (let run = 0; run < REPEATS; run++) {
      for (const [i, kind] of kinds.entries()) samples[i]!.push((await time(kind, counts[i]!)) / counts[i]!);
    }
    return [median(samples[0]!), median(samples[1]!)];
  }

  #view(length: number, tokens: number): KvView {
    const pages = Array.from({ length: Math.ceil((length + tokens) / PAGE_TOKENS) }, (_, page) => page);
    return { pool: this.#pool, pages, length };
  }

  #random(count: number): Float32Array {
    return Float32Array.from({ length: count }, () => this.#next() * 2 - 1);
  }
}

/** Share of the positions up to p that are visible, over all heads and the `tokens` tokens p from `start` on. */
function visibleShare(start: number, tokens: number, heads: number, sparsity: Sparsity): number {
  let seen = 0;
  let all = 0;
  for (let p = start; p < start + tokens; p++) {
    for (let h = 0; h < heads; h++) {
      const qb = Math.floor(p / sparsity.blockTokens);
      const { count } = visibleBlocks(qb, h, sparsity);
      seen += count * sparsity.blockTokens - ((qb + 1) * sparsity.blockTokens - 1 - p);
      all += p + 1;
    }
  }
  return seen / all;
}

/** Share of the blocks up to position p that the first `heads` heads see together. */
function readShare(p: number, heads: number, sparsity: Sparsity): number {
  const qb = Math.floor(p / sparsity.blockTokens);
  const seen = new Set<number>();
  for (let h = 0; h < heads; h++) {
    const visible = visibleBlocks(qb, h, sparsity);
    for (let i = 0; i < visible.count; i++) seen.add(visibleBlock(visible, i, sparsity));
  }
  return seen.size / (qb + 1);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
