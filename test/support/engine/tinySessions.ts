/** Sessions of a tiny model with every part in the test's hand. */
import { PageAllocator } from '../../../engine/inference/kvCache.ts';
import type { Decoder } from '../../../engine/models/decoder.ts';
import { readBlueprint } from '../../../engine/models/architectures.ts';
import { type Priority, Scheduler } from '../../../engine/inference/scheduler.ts';
import { type ModelDiskCache, Session, type SessionContext } from '../../../engine/inference/session.ts';
import { Weights } from '../../../engine/layers/weights.ts';
import type { KvDType, Ops, Tensor } from '../../../kernels/ops.ts';
import { ReferenceOps } from '../../../kernels/reference/referenceOps.ts';
import { makeWeight } from '../weights.ts';
import { TINY_CONFIG, tinyTensors } from './tinyModel.ts';

interface Options {
  readonly ops?: Ops;
  /** In place of what TINY_CONFIG says. */
  readonly config?: object;
  readonly kv?: KvDType;
  readonly chunkTokens?: number;
  readonly chatChunkTokens?: number;
  readonly diskCache?: ModelDiskCache;
  /** Number of positions of each image that is loaded; images are refused where absent. */
  readonly images?: ReadonlyMap<string, number>;
}

export class TinySessions {
  /** How many tokens each step computed, and of which sequence length it was told. */
  readonly steps: { tokens: number; totalLength: number }[] = [];

  readonly #context: SessionContext;

  private constructor(context: SessionContext) {
    this.#context = context;
  }

  static async create(options: Options = {}): Promise<TinySessions> {
    const { ops = new ReferenceOps(), kv: dtype = 'f16', chunkTokens = 16, chatChunkTokens, diskCache } = options;
    const json = { ...TINY_CONFIG, ...options.config };
    const { config, build } = readBlueprint(json);
    const tensors = new Map<string, Tensor>();
    for (const { name, shape, values } of tinyTensors(json)) {
      if (shape.length === 1) {
        tensors.set(name, ops.upload(values, shape));
        continue;
      }
      tensors.set(name, await makeWeight(ops, values, shape as [number, number], 'f16'));
    }
    const model = build(new Weights(tensors), ops);
    const { images } = options;
    const decoder: Decoder = {
      config,
      ...(images && { imageLength: (key: string) => images.get(key) }),
      // In place of image features: an embedding for each row.
      embed: (_, ids, rows) => {
        const features = [...ids];
        for (const { key, at, first, length } of rows)
          for (let i = 0; i < length; i++) features[at + i] = (key.charCodeAt(0) + 3 * (first + i)) % config.vocabSize;
        return model.embed(ops, features, []);
      },
      forward: (_, embeddings, kv, forwardOptions) => {
        sessions.steps.push({ tokens: embeddings.shape[0]!, totalLength: forwardOptions.totalLength });
        return model.forward(ops, embeddings, kv, forwardOptions);
      },
    };
    const { layers, kvHeads, headDim, maxPositions: contextLength } = config;
    const allocator = new PageAllocator(ops.createKvPool({ layers, kvHeads, headDim, dtype }));
    const scheduler = new Scheduler();
    const chunks = { chunkTokens, chatChunkTokens };
    const sessions = new TinySessions({ ops, decoder, allocator, scheduler, contextLength, ...chunks, diskCache });
    return sessions;
  }

  get allocator(): PageAllocator {
    return this.#context.allocator;
  }

  /** Since the last call. */
  computed(): number {
    return this.steps.splice(0).reduce((sum, { tokens }) => sum + tokens, 0);
  }

  session(priority?: Priority): Session {
    return new Session(this.#context, priority);
  }

  dispose(): Promise<void> {
    return this.#context.ops.dispose();
  }
}
