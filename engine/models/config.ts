import * as z from 'zod';
import { BadModel } from '../errors.ts';

/** config.json of a Phi3ForCausalLM checkpoint, checked, with derived sizes. */
export interface Phi3Config {
  readonly name: string;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly vocabSize: number;
  readonly rmsNormEps: number;
  readonly ropeTheta: number;
  readonly maxPositions: number;
  /** The length up to which the short LongRoPE factors hold. */
  readonly originalMaxPositions: number;
  readonly longRope: LongRope | null;
  /** Position p sees s iff p - s < window. */
  readonly window: number;
  /** The head is the embedding table; no lm_head tensor is stored. */
  readonly tied: boolean;
  /** Our own key, for models trained by us: the order of a fill-in-the-middle prompt. */
  readonly fimOrder: 'psm' | 'spm';
}

export interface LongRope {
  /** headDim / 2 divisors of the frequencies each. */
  readonly shortFactor: readonly number[];
  readonly longFactor: readonly number[];
  /** Scales cosines and sines: sqrt(1 + ln(s) / ln(original)), s = max / original. */
  readonly magnitude: number;
}

const positive = z
  .int()
  .positive()
  .max(1 << 24);
const factors = z.array(z.number().positive()).min(1);

const schema = z.object({
  _name_or_path: z.string().optional(),
  hidden_size: positive,
  intermediate_size: positive,
  num_hidden_layers: positive.max(1024),
  num_attention_heads: positive,
  num_key_value_heads: positive.nullish(),
  vocab_size: positive,
  rms_norm_eps: z.number().positive(),
  rope_theta: z.number().positive().default(10000),
  max_position_embeddings: positive,
  original_max_position_embeddings: positive.nullish(),
  sliding_window: positive.nullish(),
  tie_word_embeddings: z.boolean().default(false),
  partial_rotary_factor: z.literal(1).default(1),
  attention_bias: z.literal(false).default(false),
  hidden_act: z.literal('silu').default('silu'),
  fim_order: z.enum(['psm', 'spm']).default('psm'),
  rope_scaling: z.object({ type: z.enum(['su', 'longrope']), short_factor: factors, long_factor: factors }).nullish(),
});

/** Reads the parsed config.json of a Phi3ForCausalLM model. Throws BadModel with one sentence that names the key. */
export function parsePhi3Config(json: unknown): Phi3Config {
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw new BadModel(`config.json: ${issue.path.join('.') || 'the file'}: ${issue.message}.`);
  }
  const raw = parsed.data;
  const heads = raw.num_attention_heads;
  const kvHeads = raw.num_key_value_heads ?? heads;
  const headDim = raw.hidden_size / heads;
  require(Number.isInteger(headDim), `hidden_size ${raw.hidden_size} is not divisible by ${heads} heads`);
  require(headDim % 8 === 0 && headDim <= 128, `the head size ${headDim} is not a multiple of 8 up to 128`);
  require(heads % kvHeads === 0, `${heads} heads are not divisible by ${kvHeads} key/value heads`);
  require(raw.hidden_size % 32 === 0, `hidden_size ${raw.hidden_size} is not a multiple of 32`);
  require(raw.intermediate_size % 32 === 0, `intermediate_size ${raw.intermediate_size} is not a multiple of 32`);
  const originalMaxPositions = raw.original_max_position_embeddings ?? raw.max_position_embeddings;
  return {
    name: raw._name_or_path ?? 'phi3',
    hiddenSize: raw.hidden_size,
    intermediateSize: raw.intermediate_size,
    layers: raw.num_hidden_layers,
    heads,
    kvHeads,
    headDim,
    vocabSize: raw.vocab_size,
    rmsNormEps: raw.rms_norm_eps,
    ropeTheta: raw.rope_theta,
    maxPositions: raw.max_position_embeddings,
    originalMaxPositions,
    longRope: raw.rope_scaling
      ? longRope(raw.rope_scaling, raw.max_position_embeddings, originalMaxPositions, headDim)
      : null,
    window: raw.sliding_window ?? raw.max_position_embeddings,
    tied: raw.tie_word_embeddings,
    fimOrder: raw.fim_order,
  };
}

function longRope(
  scaling: { short_factor: number[]; long_factor: number[] },
  maxPositions: number,
  original: number,
  headDim: number,
): LongRope {
  const { short_factor: shortFactor, long_factor: longFactor } = scaling;
  for (const [key, list] of Object.entries({ shortFactor, longFactor })) {
    require(list.length ===
      headDim / 2, `rope_scaling has ${list.length} ${key}s, the head size asks for ${headDim / 2}`);
  }
  const s = maxPositions / original;
  return { shortFactor, longFactor, magnitude: s <= 1 ? 1 : Math.sqrt(1 + Math.log(s) / Math.log(original)) };
}

function require(ok: boolean, message: string): asserts ok {
  if (!ok) throw new BadModel(`config.json: ${message}.`);
}
