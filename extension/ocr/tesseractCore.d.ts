/** The part of Tesseract's WebAssembly build that is used here; the package has no types. */
declare module 'tesseract.js-core/tesseract-core-simd-lstm.js' {
  interface TessBaseApi {
    /** 0 on success. `languages` are joined by `+`; `configuration` is a file in `FS`. */
    Init(dataPath: null, languages: string, mode: number, configuration: string): number;
    SetVariable(name: string, value: string): boolean;
    /** Opens `/input` of `FS`; 0 on success. */
    SetImageFile(orientation: number, angle: number): number;
    Recognize(monitor: null): number;
    GetJSONText(): string;
    /** 0 to 100. */
    MeanTextConf(): number;
  }
  interface Core {
    readonly FS: { writeFile(path: string, data: Uint8Array | string): void };
    readonly TessBaseAPI: new () => TessBaseApi;
  }
  const createCore: (options: {
    locateFile(file: string): string;
    print(line: string): void;
    printErr(line: string): void;
    TesseractProgress(percent: number): void;
  }) => Promise<Core>;
  export default createCore;
}
