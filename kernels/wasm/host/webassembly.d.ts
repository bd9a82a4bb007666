/**
 * The part of WebAssembly's JavaScript API that the host uses. Only the DOM library declares it, and in kernels/ that
 * library would bring `document` and the rest of a browser's names along.
 */
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array<ArrayBuffer>);
  }
  class Instance {
    constructor(module: Module, imports: Record<string, Record<string, unknown>>);
    readonly exports: Record<string, unknown>;
  }
  class Memory {
    /** Sizes in pages of 64 KiB. Throws a RangeError where the system grants no such memory. */
    constructor(options: { initial: number; maximum: number; shared: boolean });
    readonly buffer: ArrayBuffer | SharedArrayBuffer;
    /** Grows the memory by `pages` pages of 64 KiB; returns its previous size in pages. */
    grow(pages: number): number;
  }
  function validate(bytes: Uint8Array<ArrayBuffer>): boolean;
  function compile(bytes: Uint8Array<ArrayBuffer>): Promise<Module>;
}
