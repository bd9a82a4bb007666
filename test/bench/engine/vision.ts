import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { encode } from 'fast-png';
import { cacheDir } from '../../../.ci/nodeBinary.mjs';
import type { Measurement } from '../../../engine/cli/bench/backends.ts';
import { median } from '../../../engine/discovery/memoryBandwidth.ts';
import { throwIfAborted } from '../../../engine/errors.ts';
import { PRIORITY } from '../../../engine/inference/scheduler.ts';
import { PATCHES, PATCH_VALUES } from '../../../engine/layers/patches.ts';
import { type LoadOptions, loadModel } from '../../../engine/load/loadModel.ts';
import { loadTower } from '../../../engine/load/loadTower.ts';
import { backendReports } from '../../../engine/load/openBackend.ts';
import { openModel } from '../../../engine/load/openModel.ts';
import { storesHead } from '../../../engine/load/tiedHead.ts';
import { chooseFormats } from '../../../engine/load/weightFormats.ts';
import { joinPrompt } from '../../../engine/prompt/prompt.ts';
import { PictureCutter } from '../../../engine/vision/cutter.ts';
import { type PromptImage, cropsOf } from '../../../engine/vision/promptImage.ts';
import { identifyPicture } from '../../../engine/vision/pictureFile.ts';
import { decodePng } from '../../../engine/vision/png.ts';
import type { RandomModelReference } from '../../../engine/wire/protocol.ts';
import type { OperationTime } from '../../../kernels/ops.ts';
import { VERSIONS, installPeers } from '../peers/install.ts';
import { secondsOf } from '../peers/measure.ts';
import { clipSeconds } from '../peers/onnxClip.ts';
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

export interface VisionOptions {
  /** Of the image encoder and of the decoder. All, where absent. */
  readonly layers?: number | undefined;
  readonly repeat: number;
  /** Measures ONNX Runtime, too. */
  readonly onnx?: boolean | undefined;
  /** Measures whole pictures. */
  readonly pictures: boolean;
}

/** phi-3-vision with random weights: a crop in the image encoder, whole pictures, and the first token about them. */
export function visionSpeed(options: VisionOptions): Measurement<VisionRow> {
  const { layers, repeat } = options;
  const computed = layers ?? ALL_LAYERS;
  const reference = { name: 'phi-3-vision', randomConfig: configOf(computed, layers) };
  return {
    subject: `phi-3-vision, ${computed} of ${ALL_LAYERS} layers in the image encoder`,
    layout: 'table',
    columns: COLUMNS,
    async *rows({ load, signal }) {
      if (load.backend === 'webgpu') yield plainRow(await adapterOf(load));
      const peak = load.backend === 'wasm' ? await measureMultiplyAdds(load.threads) : undefined;
      yield* tower(reference, load, { repeat, peak, signal });
      if (options.onnx && load.backend === 'wasm') yield* rival(computed, repeat, load, signal);
      if (options.pictures) yield* pictures(reference, load, signal);
    },
  };
}

interface TowerOptions {
  readonly repeat: number;
  readonly peak: MultiplyAdds | undefined;
  readonly signal: AbortSignal;
}

/** A crop, and its operations. */
async function* tower(
  reference: RandomModelReference,
  load: LoadOptions,
  { repeat, peak, signal }: TowerOptions,
): AsyncGenerator<VisionRow> {
  const { source, blueprint, checkpoint } = await openModel(reference, storesHead);
  const names = new Set(blueprint.tower!.tensors.map(({ name }) => name));
  const specs = chooseFormats(blueprint.tensors, checkpoint, load.weights).filter(({ name }) => names.has(name));
  await checkpoint.close();
  const { ops, tower: encoder } = await loadTower({ source, blueprint: blueprint.tower!, specs }, load, signal);
  try {
    await encoder.prepare(ops);
    const patches = Float32Array.from({ length: PATCHES * PATCH_VALUES }, (_, i) => Math.sin(i));
    const crop = async (): Promise<number> => {
      throwIfAborted(signal);
      const started = performance.now();
      await ops.step(() => encoder.encodeCrop(ops, patches));
      return performance.now() - started;
    };
    await crop(); // Compiles.
    const times: number[] = [];
    for (let run = 0; run < repeat; run++) times.push(await crop());
    ops.startProfile?.();
    for (let run = 0; run < repeat; run++) await crop();
    const profile = ops.profile?.() ?? [];
    const macs = profile.reduce((sum, operation) => sum + operation.macs, 0) / repeat;
    yield { what: 'a crop', times: repeat, ms: median(times), ...rateOf(macs, median(times), peak?.f32) };
    yield* operations(profile, peak);
  } finally {
    await ops.dispose();
  }
}

/** CLIP of the same shape in f32, which ONNX Runtime's kernels for CPUs compute in. */
async function* rival(
  layers: number,
  repeat: number,
  { threads = availableParallelism() }: LoadOptions,
  signal: AbortSignal,
): AsyncGenerator<VisionRow> {
  const cache = join(cacheDir, 'peers');
  await installPeers(cache, ['onnxruntime-node'], signal);
  const seconds = await clipSeconds(cache, { layers, repeat, threads, signal });
  const what = `a crop in onnxruntime-node ${VERSIONS['onnxruntime-node']}, without the projection`;
  yield { what, times: repeat, ms: median(seconds) * 1000 };
}

const PICTURE = { width: 1920, height: 1080 };

/** A picture as the chat shows it to the model: decoded and cut, its crops, and the prompt that it makes. */
async function* pictures(
  reference: RandomModelReference,
  load: LoadOptions,
  signal: AbortSignal,
): AsyncGenerator<VisionRow> {
  const folder = await mkdtemp(join(tmpdir(), 'airgap-bench-'));
  const cutter = new PictureCutter();
  const model = await loadModel(reference, { ...load, signal });
  try {
    const path = join(folder, 'picture.png');
    const data = Uint8Array.from({ length: 4 * PICTURE.width * PICTURE.height }, (_, i) =>
      i % 4 === 3 ? 255 : (i >> 9) & 255,
    );
    const png = encode({ ...PICTURE, channels: 4, data });
    await writeFile(path, png);
    const picture = await identifyPicture(path);
    const size = `a picture of ${PICTURE.width} x ${PICTURE.height}`;
    const cut = () => secondsOf(() => cutter.cut({ ...picture, mostCrops: 16 }, signal));
    yield { what: `${size}, decoded and cut, with the start of a thread`, times: 1, ms: 1000 * (await cut()) };
    yield { what: `${size}, decoded and cut`, ...(await nine(cut)) };
    yield { what: `${size}, decoded`, ...(await nine(() => secondsOf(async () => void decodePng(png, size)))) };
    for (const mostCrops of [4, 16]) {
      throwIfAborted(signal);
      const options = { holder: picture, mostCrops, priority: PRIORITY.chat, signal };
      let image: PromptImage | undefined;
      const encoding = await secondsOf(async () => void (image = await model.images!.encode(picture, options)));
      const { key, size: hd } = image!;
      yield { what: `${size}, ${cropsOf(hd)} crops, the weights loaded with it`, times: 1, ms: 1000 * encoding };
      const session = model.createSession(PRIORITY.chat);
      const prompt = joinPrompt([[1, 2], { key, length: hd.tokens }, [3, 4, 5, 6]]);
      const prefill = await secondsOf(() => session.run(prompt, { output: 'logits', last: 1, signal }));
      await session.dispose();
      yield { what: `the first token after its ${hd.tokens} positions`, times: 1, ms: 1000 * (encoding + prefill) };
    }
  } finally {
    await model.dispose();
    await cutter.dispose();
    await rm(folder, { recursive: true, force: true });
  }
}

/** The median of nine runs. */
async function nine(run: () => Promise<number>): Promise<{ times: number; ms: number }> {
  const seconds: number[] = [];
  for (let times = 0; times < 9; times++) seconds.push(await run());
  return { times: seconds.length, ms: 1000 * median(seconds) };
}

async function adapterOf(load: LoadOptions): Promise<string> {
  const reports = await backendReports(load);
  return reports.find(({ backend }) => backend === 'webgpu')?.details[0] ?? 'unknown adapter';
}

function plainRow(what: string): VisionRow {
  return { what, times: 0, ms: 0 };
}

const COLUMNS: Measurement<VisionRow>['columns'] = [
  { title: 'what', width: 64, text: ({ what }) => what },
  { title: 'times', text: ({ times }) => (times > 0 ? String(times) : '') },
  { title: 'ms', width: 9, text: ({ ms }) => (ms > 0 ? ms.toFixed(1) : '') },
  { title: 'share', width: 7, text: ({ share }) => percent(share) },
  { title: 'GMAC/s', text: ({ macsPerSecond }) => (macsPerSecond ? (macsPerSecond / 1e9).toFixed(1) : '') },
  { title: 'of the peak', text: ({ ofPeak }) => percent(ofPeak) },
];

function percent(share: number | undefined): string {
  return share === undefined ? '' : `${(share * 100).toFixed(1)} %`;
}

/** As in the released model, but for the number of layers. The encoder's last layer is never computed. */
function configOf(layers: number, decoderLayers: number | undefined): object {
  return {
    ...SHAPES['phi-3-mini-128k'],
    architectures: ['Phi3VForCausalLM'],
    ...(decoderLayers === undefined ? {} : { num_hidden_layers: decoderLayers }),
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

function* operations(times: readonly OperationTime[], peak: MultiplyAdds | undefined): Generator<VisionRow> {
  const total = times.reduce((sum, { ms }) => sum + ms, 0);
  for (const { op, count, ms, macs } of times) {
    const most = /^mat(mul|vec)Q /.test(op) ? peak?.bytes : peak?.f32;
    yield { what: op, times: count, ms, share: ms / total, ...rateOf(macs, ms, most) };
  }
  if (!peak) return;
  yield { ...plainRow('peak, multiply-adds of f32'), macsPerSecond: peak.f32 };
  yield { ...plainRow('peak, multiply-adds of bytes'), macsPerSecond: peak.bytes };
}

function rateOf(macs: number, ms: number, peak: number | undefined): Partial<VisionRow> {
  if (macs === 0) return {};
  const macsPerSecond = macs / (ms / 1000);
  return { macsPerSecond, ...(peak ? { ofPeak: macsPerSecond / peak } : {}) };
}
