/** The part of onnxruntime-node's types that is used. The package itself is not installed when types are checked. */
export interface OnnxRuntime {
  InferenceSession: { create(path: string, options: object): Promise<OnnxSession> };
  Tensor: new (type: 'float32' | 'int32', values: Float32Array | Int32Array, shape: number[]) => object;
}
export interface OnnxSession {
  run(inputs: Record<string, object>): Promise<Record<string, object>>;
  release(): Promise<void>;
}
