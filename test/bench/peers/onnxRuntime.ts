/** Measures ONNX Runtime on the CPU or by WebGPU, as npm's onnxruntime-node builds it, with the graph of onnx.ts. */
import { importPackage } from './install.ts';
import { measure, ownPeakBytes, secondsOf } from './measure.ts';
import type { OnnxRuntime, OnnxSession } from './onnxRuntimeTypes.ts';
import { MINI } from './shape.ts';

await measure(async ({ packages, files, layers, threads, gpu }) => {
  const { InferenceSession, Tensor } = await importPackage<OnnxRuntime>(packages, 'onnxruntime-node');
  const { hidden, heads, headDim } = MINI;
  let session: OnnxSession;
  /** Keys and values, which every step returns in new tensors. Writing an output over its input copies it and is slower. */
  let cache: Record<string, object> = {};
  const clear = (): void => {
    const names = Array.from({ length: layers }, (_, i) => [`past_key.${i}`, `past_value.${i}`]).flat();
    const empty = new Tensor('float32', new Float32Array(0), [1, heads, 0, headDim]);
    cache = Object.fromEntries(names.map((name) => [name, empty]));
  };
  const step = async (length: number, count: number): Promise<void> => {
    const values = Float32Array.from({ length: count * hidden }, (_, i) => ((i * 7919) % 1000) / 500 - 1);
    const outputs = await session.run({
      inputs_embeds: new Tensor('float32', values, [1, count, hidden]),
      seqlens_k: new Tensor('int32', Int32Array.of(length + count - 1), [1]),
      total_sequence_length: new Tensor('int32', Int32Array.of(length + count), []),
      ...cache,
    });
    const present = Object.entries(outputs).filter(([name]) => name !== 'logits');
    cache = Object.fromEntries(present.map(([name, t]) => [name.replace('present', 'past'), t]));
  };
  return {
    async load() {
      session = await InferenceSession.create(
        files.find((file) => file.endsWith('.onnx'))!,
        {
          executionProviders: [gpu ? 'webgpu' : 'cpu'],
          // Otherwise what WebGPU lacks would run on the CPU without a word.
          extra: { session: { disable_cpu_ep_fallback: gpu ? '1' : '0' } },
          intraOpNumThreads: threads,
          interOpNumThreads: 1,
          graphOptimizationLevel: 'all',
        },
      );
    },
    async run(promptTokens, tokens) {
      clear();
      const prefill = await secondsOf(() => step(0, promptTokens));
      const decode = await secondsOf(async () => {
        for (let i = 1; i < tokens; i++) await step(promptTokens + i - 1, 1);
      });
      return { prefillPerSecond: promptTokens / prefill, decodePerSecond: (tokens - 1) / decode };
    },
    peakBytes: ownPeakBytes,
  };
});
