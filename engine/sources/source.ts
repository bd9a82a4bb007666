import type { TokenizerFiles } from '../tokenizer/tokenizer.ts';
import type { Checkpoint } from './checkpoint.ts';

/** A file with weights: its absolute path, its size, and the time of its last change in milliseconds. */
export interface WeightFile {
  readonly path: string;
  readonly bytes: number;
  readonly changed: number;
}

/**
 * Where a model comes from, whatever its file format. A source keeps no file open between two calls; only a checkpoint
 * has to be closed. Every method rejects with BadModel, in one sentence, when a file is missing or damaged.
 */
export interface ModelSource {
  /** Name for the user, for example that of the folder. */
  readonly name: string;
  /** The file format, for the user, for example "GGUF". */
  readonly format: string;
  /** The licence that the model's files state; null where they state none. */
  licence(): Promise<string | null>;
  /** Parsed content of config.json. */
  config(): Promise<unknown>;
  /** Parsed content of generation_config.json; undefined when the model has none. */
  generationConfig(): Promise<unknown>;
  /** Parsed content of preprocessor_config.json; undefined when the model has none. */
  preprocessorConfig(): Promise<unknown>;
  tokenizerFiles(): Promise<TokenizerFiles>;
  /** The files that hold the weights; none where they lie in no file. Rejects with BadModel. */
  weightFiles(): Promise<readonly WeightFile[]>;
  /** Opens the weights. The caller closes the checkpoint. */
  checkpoint(): Promise<Checkpoint>;
  /** A text that changes when the configuration or the weights do; null when no two loads give the same weights. */
  fingerprint(): Promise<string | null>;
}
