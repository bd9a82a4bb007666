import type { Measurement } from '../../../engine/cli/bench/backends.ts';
import { median } from '../../../engine/cli/bench/bandwidth.ts';
import { throwIfAborted } from '../../../engine/errors.ts';
import { PATCHES, PATCH_VALUES } from '../../../engine/layers/patches.ts';
import { loadTower } from '../../../engine/load/loadTower.ts';
import { openModel } from '../../../engine/load/openModel.ts';
import { storesHead } from '../../../engine/load/tiedHead.ts';
import { chooseFormats } from '../../../engine/load/weightFormats.ts';
import type { OperationTime } from '../../../kernels/ops.ts';
import { type MultiplyAdds, measureMultiplyAdds } from './multiplyAdds.ts';
import { SHAPES } from './shapes.ts';

/** The time of a crop, or of one operation in all crops that were computed. */
export interface VisionRow {
  what: string;
  times: number;
  ms: number;
  share?: number;
  macsPerSecond?: number;
  /** Share of the multiply-adds that WebAssembly reaches here, of f32 or of bytes. */
  ofPeak?: number;
}

const ALL_LAYERS = 23;

/** The image encoder of phi-3-vision with random weights, a crop at a time; with `layers` it has only so many. */
export function visionSpeed(layers: number | undefined, repeat: number): Measurement<VisionRow> {
  const computed = layers ?? ALL_LAYERS;
  return {
    subject: `image encoder of phi-3-vision, ${computed} of ${ALL_LAYERS} layers`,
    layout: 'table',
    columns: COLUMNS,
    async *rows({ load, signal }) {
      const reference = { name: 'phi-3-vision', randomConfig: configOf(computed) };
      const { source, blueprint, checkpoint } = await openModel(reference, storesHead);
      const names = new Set(blueprint.tower!.tensors.map(({ name }) => name));
      const specs = chooseFormats(blueprint.tensors, checkpoint, load.weights).filter(({ name }) => names.has(name));
      await checkpoint.close();
      const { ops, tower } = await loadTower({ source, blueprint: blueprint.tower!, specs }, load, signal);
      try {
        await tower.prepare(ops);
        const patches = Float32Array.from({ length: PATCHES * PATCH_VALUES }, (_, i) => Math.sin(i));
        const crop = async (): Promise<number> => {
          throwIfAborted(signal);
          const started = performance.now();
          await ops.step(() => tower.encodeCrop(ops, patches));
          return performance.now() - started;
        };
        await crop(); // Compiles.
        const times: number[] = [];
        for (let run = 0; run < repeat; run++) times.push(await crop());
        yield { what: 'a crop', times: repeat, ms: median(times) };
        ops.startProfile?.();
        for (let run = 0; run < repeat; run++) await crop();
        yield* operations(ops.profile?.() ?? [], await measureMultiplyAdds());
      } finally {
        await ops.dispose();
      }
    },
  };
}

const COLUMNS: Measurement<VisionRow>['columns'] = [
  { title: 'what', width: 44, text: ({ what }) => what },
  { title: 'times', text: ({ times }) => String(times) },
  { title: 'ms', width: 9, text: ({ ms }) => ms.toFixed(1) },
  { title: 'share', width: 7, text: ({ share }) => percent(share) },
  { title: 'GMAC/s', text: ({ macsPerSecond }) => (macsPerSecond ? (macsPerSecond / 1e9).toFixed(1) : '') },
  { title: 'of the peak', text: ({ ofPeak }) => percent(ofPeak) },
];

function percent(share: number | undefined): string {
  return share === undefined ? '' : `${(share * 100).toFixed(1)} %`;
}

/** As in the released model, but for the number of layers. The encoder's last layer is never computed. */
function configOf(layers: number): object {
  return {
    ...SHAPES['phi-3-mini-128k'],
    architectures: ['Phi3VForCausalLM'],
    img_processor: {
      name: 'clip_vision_model',
      image_dim_out: 1024,
      num_img_tokens: 144,
      tiny_num_hidden_layers: layers + 1,
    },
    embd_layer: {
      embedding_cls: 'image',
      hd_transform_order: 'sub_glb',
      projection_cls: 'mlp',
      use_hd_transform: true,
      with_learnable_separator: true,
    },
  };
}

function* operations(times: readonly OperationTime[], peak: MultiplyAdds): Generator<VisionRow> {
  const total = times.reduce((sum, { ms }) => sum + ms, 0);
  for (const { op, count, ms, macs } of times) {
    const macsPerSecond = macs / (ms / 1000);
    const most = /^mat(mul|vec)Q /.test(op) ? peak.bytes : peak.f32;
    yield {
      what: op,
      times: count,
      ms,
      share: ms / total,
      ...(macs > 0 ? { macsPerSecond, ofPeak: macsPerSecond / most } : {}),
    };
  }
  yield { what: 'peak, multiply-adds of f32', times: 1, ms: 0, macsPerSecond: peak.f32 };
  yield { what: 'peak, multiply-adds of bytes', times: 1, ms: 0, macsPerSecond: peak.bytes };
}
