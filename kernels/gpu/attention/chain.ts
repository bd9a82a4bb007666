import { type AttentionOptions, type KvPool, type Ops, PAGE_TOKENS, type Tensor } from '../../ops.ts';
import { type AttentionKind, SHORT } from './choice.ts';

/** A device whose attention is timed. */
export type ChainDevice = Pick<Ops, 'input' | 'attention' | 'createKvPool' | 'lastRows'>;

/** Tokens of a step that is timed, and those before it; of decode in a short and in a long context. */
const PREFILL = { tokens: 128, length: SHORT / 2 } as const;
const DECODE = { tokens: 1, short: SHORT / 2, long: 4 * SHORT } as const;

/** Attention of a kind over keys and values that are zero, time and again. */
export class AttentionChain {
  private constructor(
    readonly ops: ChainDevice,
    readonly kind: AttentionKind,
    readonly pool: KvPool,
    readonly length: number,
  ) {}

  /** Makes its cache, which is free once it is disposed. Rejects with OutOfMemory. */
  static async of(ops: ChainDevice, kind: AttentionKind): Promise<AttentionChain> {
    const length = kind.phase === 'prefill' ? PREFILL.length : kind.isLong ? DECODE.long : DECODE.short;
    const pool = ops.createKvPool({ layers: 1, ...kind });
    try {
      await pool.grow(Math.ceil((length + PREFILL.tokens) / PAGE_TOKENS));
    } catch (error) {
      pool.dispose();
      throw error;
    }
    return new AttentionChain(ops, kind, pool, length);
  }

  /** The queries of each are what the one before it gave. */
  record(count: number): Tensor {
    const { ops, kind, pool, length } = this;
    const { tokens } = kind.phase === 'prefill' ? PREFILL : DECODE;
    const width = kind.heads * kind.headDim;
    const pages = Array.from({ length: pool.capacity }, (_, page) => page);
    const options: AttentionOptions = { ...kind, scale: 1 / Math.sqrt(kind.headDim), window: Infinity };
    let x = ops.input(new Float32Array(tokens * width).fill(1), [tokens, width]);
    for (let i = 0; i < count; i++) x = ops.attention(x, { pool, pages, length }, 0, options);
    return ops.lastRows(x, 1);
  }

  dispose(): void {
    this.pool.dispose();
  }
}
