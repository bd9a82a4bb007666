/** A value of a GGUF file's metadata. 64-bit integers are numbers where these hold them exactly, else refused. */
export type GgufValue = string | number | boolean | readonly string[] | readonly number[] | readonly boolean[];

/** The metadata of a GGUF file by key, such as 'general.architecture'. */
export type GgufMetadata = ReadonlyMap<string, GgufValue>;
