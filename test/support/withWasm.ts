import { type WasmOps, type WasmOptions, createWasmOps } from '../../kernels/wasm/wasmOps.ts';

/** Runs `use` on a WASM backend, which is disposed afterwards, whatever happens. */
export async function withWasm<T>(options: WasmOptions, use: (ops: WasmOps) => Promise<T>): Promise<T> {
  const ops = await createWasmOps(options);
  try {
    return await use(ops);
  } finally {
    await ops.dispose();
  }
}
