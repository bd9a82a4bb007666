// What build.mjs provides.
declare module 'wasm-kernels:*' {
  const bytes: Uint8Array<ArrayBuffer>;
  export default bytes;
}
declare module 'wasm-worker:source' {
  const source: string;
  export default source;
}
