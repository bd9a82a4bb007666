// Modules that the bundler provides: files embedded as text, and those of build/plugin.ts.
declare module '*.wgsl' {
  const source: string;
  export default source;
}
declare module 'wasm-kernels:*' {
  const bytes: Uint8Array<ArrayBuffer>;
  export default bytes;
}
declare module 'thread:*' {
  const source: string;
  export default source;
}
