/** The source text of a script for a frame: the file with its imports, bundled (.ci/bundles.ts). */
declare module 'frame:*' {
  const source: string;
  export default source;
}
