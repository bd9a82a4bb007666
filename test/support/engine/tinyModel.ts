import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readBlueprint } from '../../../engine/models/architectures.ts';
import { f32ToF16 } from '../../../kernels/shared/f16.ts';
import { randomValues } from '../random.ts';

export type Stored = 'F32' | 'F16' | 'BF16';
export interface TinyTensor {
  name: string;
  shape: number[];
  values: Float32Array;
}

export const TINY_CONFIG = {
  architectures: ['Phi3ForCausalLM'],
  model_type: 'phi3',
  hidden_size: 64,
  intermediate_size: 96,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  vocab_size: 128,
  rms_norm_eps: 1e-5,
  max_position_embeddings: 256,
};

/** Random tensors of TINY_CONFIG (or a changed copy), in checkpoint order. */
export function tinyTensors(config: object = TINY_CONFIG): TinyTensor[] {
  return readBlueprint(config).tensors.map(({ name, shape }, i) => {
    const values = randomValues(
      i + 1,
      shape.reduce((a, b) => a * b, 1),
      1e9,
    );
    const scaled = values.map((value) => value * (shape.length > 1 ? 0.3 : 1));
    return { name, shape: [...shape], values: toBf16(scaled) };
  });
}

/** A folder of our own below the system's temporary one; `remove` ends it. */
export class TinyFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'airgap-tiny-'));

  /** Writes a whole valid model, optionally in shards and in another number format. */
  static model({
    config = TINY_CONFIG as object,
    dtype = 'BF16' as Stored,
    shards = 1,
    tensors = tinyTensors(config),
  } = {}): TinyFolder {
    const folder = new TinyFolder();
    folder.json('config.json', config);
    if (shards === 1) folder.file('model.safetensors', safetensors(tensors, dtype));
    else folder.#shards(tensors, dtype, shards);
    return folder;
  }

  json(name: string, value: unknown): this {
    return this.file(name, JSON.stringify(value));
  }

  file(name: string, content: string | Uint8Array): this {
    writeFileSync(join(this.path, name), content);
    return this;
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }

  #shards(tensors: TinyTensor[], dtype: Stored, count: number): void {
    const weightMap: Record<string, string> = {};
    for (let shard = 0; shard < count; shard++) {
      const name = `model-0000${shard + 1}-of-0000${count}.safetensors`;
      const part = tensors.filter((_, i) => i % count === shard);
      for (const tensor of part) weightMap[tensor.name] = name;
      this.file(name, safetensors(part, dtype));
    }
    this.json('model.safetensors.index.json', { metadata: {}, weight_map: weightMap });
  }
}

/** The bytes of a safetensors file. `change` may spoil the header before it is written. */
export function safetensors(
  tensors: TinyTensor[],
  dtype: Stored,
  change: (header: Record<string, unknown>) => void = () => {},
): Uint8Array {
  const parts = tensors.map(({ values }) => encode(values, dtype));
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  let at = 0;
  tensors.forEach(({ name, shape }, i) => {
    header[name] = { dtype, shape, data_offsets: [at, at + parts[i]!.length] };
    at += parts[i]!.length;
  });
  change(header);
  const text = Buffer.from(JSON.stringify(header).padEnd(8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, ...parts]);
}

function encode(values: Float32Array, dtype: Stored): Uint8Array {
  if (dtype === 'F32') return new Uint8Array(values.slice().buffer);
  if (dtype === 'F16') return new Uint8Array(Uint16Array.from(values, f32ToF16).buffer);
  const bits = new Uint32Array(values.slice().buffer);
  return new Uint8Array(Uint16Array.from(bits, (word) => word >>> 16).buffer);
}

/** Cut to the values that bf16 can hold, so that every format stores the same numbers. */
function toBf16(values: Float32Array): Float32Array {
  return new Float32Array(new Uint32Array(values.buffer).map((word) => word & 0xffff0000).buffer);
}
