import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { imageBytes, type MemoryWishes, planMemory } from '../../../engine/load/memoryPlan.ts';
import { weightBytes, withFormats } from '../../../engine/load/weightFormats.ts';
import { readBlueprint } from '../../../engine/models/architectures.ts';
import type { KvDType } from '../../../kernels/ops.ts';
import { goldenFolder } from '../../support/engine/golden.ts';
import { SHAPES } from '../../bench/engine/shapes.ts';

const MINI = readBlueprint(SHAPES['phi-3-mini']!);
const LONG = readBlueprint(SHAPES['phi-3-mini-128k']!);
const GB = 1e9;

function visionGoldenConfig() {
  const text = readFileSync(join(goldenFolder('vision'), 'config.json'), 'utf8');
  return JSON.parse(text) as { img_processor: Record<string, unknown>; embd_layer: object };
}

describe('memory is foreseen', () => {
  const plan = ({ config, tensors }: typeof MINI, wishes: Partial<MemoryWishes>) => {
    const all = { freeBytes: 64 * GB, chunkTokens: 64, ...wishes };
    const { contextLength, kv, note } = planMemory(config, withFormats(tensors, 'q4'), all);
    return { contextLength, kv, note };
  };

  it('the size of phi-3-mini in each format', () => {
    const size = (format: 'f32' | 'f16' | 'q8' | 'q4' | 'q4m'): number =>
      weightBytes(withFormats(MINI.tensors, format));
    assert.deepEqual(
      (['f32', 'f16', 'q8', 'q4', 'q4m'] as const).map((format) => (size(format) / GB).toFixed(2)),
      ['15.28', '7.64', '4.06', '2.25', '2.48'],
    );
  });

  it('a whole context where it fits, as f16 where it takes at most half of what is left', () => {
    assert.deepEqual(plan(MINI, {}), { contextLength: 4096, kv: 'f16', note: undefined });
    assert.deepEqual(plan(MINI, { freeBytes: 5 * GB }), { contextLength: 4096, kv: 'q8', note: undefined });
    assert.deepEqual(plan(MINI, { freeBytes: Infinity }), { contextLength: 4096, kv: 'f16', note: undefined });
  });

  it('a shorter one, with a note that has the sizes, where the whole does not fit', () => {
    const { contextLength, kv, note } = plan(LONG, { freeBytes: 8 * GB });
    assert.equal(kv, 'q8');
    assert.ok(contextLength > 20_000 && contextLength < 30_000, `${contextLength}`);
    assert.match(
      note!,
      /^The context is limited to \d+ of 131072 tokens: the weights take 2\.2 GB, a context of 131072 /,
    );
    assert.match(note!, / but 8\.0 GB of memory are free\.$/);
    // What is offered fits, and no page more.
    assert.equal(plan(LONG, { freeBytes: 8 * GB, kv, contextLength }).contextLength, contextLength);
    assert.throws(() => plan(LONG, { freeBytes: 8 * GB, kv, contextLength: contextLength + 1 }));
  });

  it('a refusal where a wish does not fit, with the longest context that does', () => {
    const { contextLength } = plan(LONG, { freeBytes: 8 * GB });
    assert.throws(() => plan(LONG, { freeBytes: 8 * GB, contextLength: 65_536 }), {
      name: 'OutOfMemory',
      message: new RegExp(
        `^The model does not fit into memory: the weights take 2\\.2 GB, .*; the longest context that fits has ${contextLength} tokens\\.$`,
      ),
    });
  });

  it('pictures: the weights of the image encoder, its step, and the patches and features of a picture', () => {
    const { img_processor: tiny, embd_layer: layer } = visionGoldenConfig();
    const released = Object.entries(tiny).filter(([key]) => !key.startsWith('tiny_'));
    const processor = { ...Object.fromEntries(released), image_dim_out: 1024 };
    const pictures = { model_type: 'phi3_v', architectures: undefined, img_processor: processor, embd_layer: layer };
    const vision = readBlueprint({ ...SHAPES['phi-3-mini-128k'], ...pictures });
    const bytes = ({ tensors }: typeof MINI): number => weightBytes(withFormats(tensors, 'q4'));
    assert.equal(((bytes(vision) - bytes(LONG)) / GB).toFixed(2), '0.63');
    assert.equal(imageBytes(LONG, 16), 0);
    const [few, many] = [imageBytes(vision, 4), imageBytes(vision, 16)];
    // 12 crops more: each 339 thousand values of patches, and 156 positions of 3072 values.
    assert.equal(many - few, 12 * 4 * (338_688 + 156 * 3072));
    assert.ok(many > 80e6 && many < 120e6, `${many}`);
    const plain = plan(vision, { freeBytes: 8 * GB });
    const seeing = plan(vision, { freeBytes: 8 * GB, imageBytes: many });
    assert.ok(seeing.contextLength < plain.contextLength);
    assert.match(seeing.note!, / and a step with a picture 1\d\d\.\d MB| and a step with a picture 0\.1 GB/);
  });

  it('a KV cache that the device can address', () => {
    // Phi-3-mini's on a GPU that binds 128 MiB: 64 keys of 32 heads of 96 dimensions a page.
    const mostKvPages = (kv: KvDType): number => Math.floor(2 ** 27 / (64 * 32 * { f32: 384, f16: 192, q8: 100 }[kv]));
    assert.deepEqual(plan(MINI, { mostKvPages }), { contextLength: 4096, kv: 'f16', note: undefined });
    assert.deepEqual(plan(LONG, { freeBytes: Infinity, mostKvPages }), {
      contextLength: 41_920,
      kv: 'q8',
      note: 'The context is limited to 41920 of 131072 tokens, the longest that this device can address.',
    });
    assert.deepEqual(plan(LONG, { freeBytes: Infinity, mostKvPages, contextLength: 41_920 }).kv, 'q8');
    assert.throws(() => plan(LONG, { freeBytes: Infinity, mostKvPages, contextLength: 41_921 }), {
      name: 'OutOfMemory',
      message: 'A context of 41921 tokens was asked for, but the longest that this device can address has 41920.',
    });
    // Memory may be what is short.
    const { contextLength, note } = plan(LONG, { freeBytes: 8 * GB, mostKvPages });
    assert.equal(contextLength, plan(LONG, { freeBytes: 8 * GB }).contextLength);
    assert.match(note!, /are free/);
  });

  it('a refusal where the weights alone do not fit', () => {
    assert.throws(() => plan(MINI, { freeBytes: 2 * GB }), {
      name: 'OutOfMemory',
      message: /but 2\.0 GB of memory are free; close other programs, or choose a smaller model\.$/,
    });
  });

  it('a wish beyond the context of the model is refused', () => {
    assert.throws(() => plan(MINI, { contextLength: 4097 }), { name: 'BadRequest', message: /4097 .* is 4096\.$/ });
  });
});
