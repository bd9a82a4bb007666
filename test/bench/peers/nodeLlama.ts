/** Measures llama.cpp on the CPU or the GPU, as npm's node-llama-cpp builds it. */
import { importPackage } from './install.ts';
import { CONTEXT_TOKENS, measure, ownPeakBytes, promptIds, secondsOf } from './measure.ts';

/** The part of the package's types that is used. The package itself is not installed when types are checked. */
interface NodeLlamaCpp {
  getLlama(options: object): Promise<Llama>;
}
interface Llama {
  getGpuDeviceNames(): Promise<string[]>;
  loadModel(options: object): Promise<Model>;
}
interface Model {
  createContext(options: object): Promise<{ getSequence(): Sequence }>;
}
interface Sequence {
  clearHistory(): Promise<void>;
  evaluateWithoutGeneratingNewTokens(ids: number[]): Promise<void>;
  evaluate(ids: number[], options: object): AsyncGenerator<number>;
}

const GPU_API = process.platform === 'darwin' ? 'metal' : 'vulkan';

await measure(async ({ packages, files, threads, flashAttention, gpu }) => {
  const { getLlama } = await importPackage<NodeLlamaCpp>(packages, 'node-llama-cpp');
  const llama = await getLlama({ gpu: gpu ? GPU_API : false, build: 'never', skipDownload: true, logLevel: 'warn' });
  let sequence: Sequence;
  return {
    async load() {
      const [device] = gpu ? await llama.getGpuDeviceNames() : [];
      if (gpu && device === undefined) throw new Error(`llama.cpp takes none of the devices that ${GPU_API} has here`);
      const model = await llama.loadModel({ modelPath: files[0], gpuLayers: gpu ? 'max' : 0 });
      const context = await model.createContext({
        contextSize: CONTEXT_TOKENS,
        batchSize: 512,
        threads: { ideal: threads, min: threads },
        flashAttention,
      });
      sequence = context.getSequence();
      return { device };
    },
    async run(promptTokens, tokens) {
      await sequence.clearHistory();
      const prefill = await secondsOf(() => sequence.evaluateWithoutGeneratingNewTokens(promptIds(promptTokens)));
      const generation = sequence.evaluate(promptIds(1), { temperature: 0, yieldEogToken: true });
      await generation.next(); // Reads the id it was started with.
      const decode = await secondsOf(async () => {
        for (let i = 1; i < tokens; i++) await generation.next();
      });
      await generation.return(undefined);
      return { prefillPerSecond: promptTokens / prefill, decodePerSecond: (tokens - 1) / decode };
    },
    peakBytes: ownPeakBytes,
  };
});
