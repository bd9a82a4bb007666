/**
 * All messages between the extension host and the engine process, which use vscode-jsonrpc over a private socket. Plain
 * data only. Imports types only.
 */
import type { Traffic } from '../traffic.ts';

export interface Methods {
  /** The first call on every connection. The engine closes a connection with a wrong token or another version. */
  initialize: { params: { version: string; token: string }; part: never; result: { version: string; pid: number } };
  /** Loads a model, or joins one that another window has loaded; it is unloaded when its last connection closes. */
  load: { params: LoadParams; part: LoadProgress; result: ModelInfo };
  complete: { params: CompleteParams; part: never; result: CompleteResult };
  /**
   * Makes the KV cache hold the prompt of a completion that is likely to be asked for, in steps that everything else
   * precedes. Does nothing where the model is not loaded now. The document's next completion ends it.
   */
  prefill: { params: CompleteParams; part: never; result: { tokensPrefilled: number } };
  /** Answers a conversation. Completions take precedence over every token of it. */
  chat: { params: ChatParams; part: ChatPart; result: ChatResult };
  /** Tells how much of the sources would fit beside a conversation, without asking anything. */
  fit: { params: FitParams; part: never; result: FitResult };
  countTokens: { params: CountTokensParams; part: never; result: { counts: number[] } };
  /** Tells how well a text goes with each of several beginnings; those for which there is no time are missing at the end. */
  likelihoods: { params: LikelihoodsParams; part: never; result: { values: number[] } };
  /** Tells what it would take to see a picture, without reading it. */
  imageCosts: { params: ImageCostsParams; part: never; result: { costs: ImageCost[] } };
  doctor: { params: DoctorParams; part: never; result: DoctorReport };
  /** Tells what the engine process has sent and received through sockets, by destination. */
  traffic: { params: Record<string, never>; part: never; result: { traffic: Traffic[] } };
}

export interface Notifications {
  /** Client to engine: this window no longer needs the engine, which ends at once when no other window does. */
  goodbye: Record<string, never>;
  /** Client to engine: the document or conversation is closed, so its caches can be freed. */
  closed: { sessionId: string };
  /** Client to engine: a key was pressed, whose completion will be asked for in a moment. */
  typing: Record<string, never>;
  /** Engine to client: prefilling the rest of a document between completions begins or ends. */
  backgroundPrefill: { sessionId: string; active: boolean };
  /** Engine to client: a model was unloaded, because another one needed its memory. The next call loads it again. */
  unloaded: { modelId: string };
  /** Engine to client: a model moved to another backend, once per move. */
  backendChanged: { model: ModelInfo; reason: string };
}

export type Backend = 'webgpu' | 'wasm' | 'reference';
export type BackendChoice = 'auto' | Backend;

/** Names a model: the path of its folder on the machine of the engine, or random weights. */
export type ModelReference = string | RandomModelReference;
/** Random weights of the shape that a config.json describes, for measuring speed. */
export interface RandomModelReference {
  name: string;
  randomConfig: object;
}

export interface LoadParams {
  model: ModelReference;
  backend: BackendChoice;
  /** Accept a software GPU adapter; for tests. */
  allowSoftwareGpu?: boolean;
  /** Where to cache the prefilled state of large files for the next time they are opened; the newest call counts. */
  kvDiskCache?: { folder: string; maxBytes: number };
}
export interface LoadProgress {
  loadedBytes: number;
  totalBytes: number;
}
export interface ModelInfo {
  modelId: string;
  name: string;
  contextLength: number;
  backend: Backend;
  /** Whether the model has a chat template; it cannot answer questions without one. */
  chat: boolean;
  /** Limit in tokens for any one answer: the prompt needs the rest of the window. */
  longestAnswer: number;
  /** Whether the model sees pictures, and in how many HD crops each unless a message says otherwise. */
  images: { mostCrops: number } | null;
  /** Adapter name, or the WASM path and thread count. */
  device: string;
  /** Why no better backend is used; empty when the best one runs. */
  notes: string[];
  bytes: number;
  /** How answers are sampled where a call does not say otherwise, from generation_config.json. */
  sampling: SamplingDefaults;
}

export interface SamplingDefaults {
  /** 0: always the most likely token. */
  temperature: number;
  /** Only the most likely tokens with this total probability are drawn; 1: all. */
  topP: number;
  /** Only this many of the most likely tokens are drawn; 0: all. */
  topK: number;
  /** Only tokens with at least this share of the highest probability are drawn; 0: all. */
  minP: number;
  /** Above 1 makes tokens less likely that the prompt or the answer contains. */
  repetitionPenalty: number;
}
/** Differences from a model's own defaults. */
export interface ChatSampling extends Partial<SamplingDefaults> {
  seed: number;
  /** The temperature is at least this, for another answer than the most likely one. */
  leastTemperature?: number;
}

export interface CompleteParams {
  modelId: string;
  /** Identifies the document, so that its KV cache is found again. */
  sessionId: string;
  /** File name with extension: some models were trained with it, and it tells the comment syntax. */
  fileName: string;
  languageId: string;
  /** Text before and after the cursor; the engine truncates it to its token budget. */
  prefix: string;
  suffix: string;
  /** Number of lines of the document before `prefix` and after `suffix` that are not sent; 0 when absent. */
  linesBefore?: number;
  linesAfter?: number;
  maxTokens: number;
  multiline: 'auto' | 'always' | 'never';
  /** Where nothing is completed. */
  notIn?: ('comments' | 'strings')[];
  /** Number of further texts to write, if they differ; none when absent. */
  alternatives?: number;
  /** Lines of other files that the document uses, the most useful first. Each change of them costs a whole prefill. */
  otherFiles?: { path: string; text: string }[];
}
/** Token counts and times of a generation. */
export interface GenerationResult {
  /** Prompt tokens found in the KV cache, and prompt tokens computed now. */
  tokensReused: number;
  tokensPrefilled: number;
  tokensGenerated: number;
  stop: StopReason;
  prefillMs: number;
  decodeMs: number;
}
/**
 * end: a stop token. text: a stop string or rule. length: maxTokens was reached or the context is full. repetition: the
 * answer of a chat went on repeating itself.
 */
export type StopReason = 'end' | 'text' | 'length' | 'repetition';

export interface CompleteResult extends GenerationResult {
  /** Text to insert at the cursor; empty when nothing is worth showing. */
  text: string;
  /** Further texts, the likeliest first; absent when none was asked for. */
  alternatives?: string[];
  seen: SeenLines;
}
/** The lines of a document that a prompt contained, as ranges that count from 1; none when the model was not asked. */
export interface SeenLines {
  lines: [first: number, last: number][];
  totalLines: number;
}

export interface ChatParams {
  modelId: string;
  /** Identifies the conversation, so that its KV cache is found again. A newer call with the same id cancels the older. */
  sessionId: string;
  /**
   * At most one `system` message, which comes first, then `user` and `assistant` in turn. When the last message is the
   * assistant's, the answer continues it.
   */
  messages: ChatTurn[];
  /**
   * Texts to put in front of the last message, which must be the user's. They are truncated to what the window leaves
   * for them, and the call's first part says what was kept.
   */
  sources?: ChatSource[];
  /** Limit for the answer; ModelInfo.longestAnswer applies as well. */
  maxTokens: number;
  /** The answer ends behind so many sentences, code blocks aside; their stop is `text`. */
  maxSentences?: number;
  /** Greedy decoding without a repetition penalty when absent. */
  sampling?: ChatSampling;
}
export interface ChatTurn {
  role: 'system' | 'user' | 'assistant';
  content: ChatContent[];
}
/** One piece of a message. */
export type ChatContent = { type: 'text'; text: string } | ChatImage;
/**
 * A picture in a user's message, where the model sees pictures, in the place where it stands: a line break follows it in
 * the prompt. Where `sources` stand in front of the message, its pictures stand in front of them.
 */
export interface ChatImage {
  type: 'image';
  /** The absolute path of a PNG file on the engine's machine. */
  file: string;
  /** The most HD crops; ModelInfo.images says how many when absent. */
  mostCrops?: number;
}
export interface ChatSource {
  name: string;
  /** Line ends are `\n`. */
  text: string;
  /** Line number of the first line of `text` in its file, from 1. When absent, the model is not told line numbers. */
  firstLine?: number;
  /** Offset in `text` of the place to keep when not everything fits; 0 when absent. */
  cursor?: number;
  /** Never truncated: the question is refused when this text does not fit. */
  whole?: boolean;
  /** Index in `messages` of a message that contains this text already: it is left out unless that message is dropped. */
  heldBy?: number;
}
export type ChatPart =
  /** Sent once, before any text, when the call has `sources`. */
  | {
      type: 'fitted';
      fit: FitResult;
      /** The last message's text as the model sees it, sources included, behind the message's pictures. */ question: string;
    }
  /**
   * Progress before the first text: crops of pictures that the model has seen, from 0 to all, where some are new to it;
   * then tokens of the prompt that are computed, where that takes several steps.
   */
  | { type: 'progress'; step: 'images' | 'prompt'; done: number; total: number }
  /** Part of the thoughts with which the models of some families begin. They are no part of the answer or of later prompts. */
  | { type: 'thought'; text: string }
  | { type: 'text'; text: string };
export interface ChatResult extends GenerationResult {
  /** Number of messages dropped because the window is full: the oldest questions with their answers, never the system's. */
  messagesDropped: number;
  /** Where the stop is `repetition`: the length, in UTF-16 units, of the answer's beginning that is worth keeping. */
  kept?: number;
}

export interface FitParams {
  modelId: string;
  /** The conversation with the question last, without the sources. */
  messages: ChatTurn[];
  sources: ChatSource[];
  /** Tokens to reserve for the answer, as in ChatParams. */
  maxTokens: number;
}
export interface FitResult {
  /** One per source, in the same order. */
  sources: FittedSource[];
  /** Tokens of the prompt, and the limit that the window sets for it after the answer's share. */
  tokensUsed: number;
  tokensLimit: number;
  /** As in ChatResult. */
  messagesDropped: number;
}
/** The part of a source that fits. */
export interface FittedSource {
  /** Lines of the source's text, from 1. */
  lines: [first: number, last: number][];
  totalLines: number;
  /** Number of tokens in the whole source, and in what remains; 0 remain when the source is left out. */
  tokensWhole: number;
  tokens: number;
  /** The conversation contains the source already, so it was left out. */
  held: boolean;
}
export interface CountTokensParams {
  modelId: string;
  texts: string[];
}
export interface LikelihoodsParams {
  modelId: string;
  text: string;
  beginnings: string[];
  /** Time for all of them. */
  milliseconds: number;
}
export interface ImageCostsParams {
  modelId: string;
  /** Pixels of the picture. */
  width: number;
  height: number;
}
/** What a picture takes with a limit of crops. The costs begin with the model's own limit and go down to one crop. */
export interface ImageCost {
  mostCrops: number;
  tokens: number;
  /** From the picture to the first word, estimated from this machine's measured rates; null while nothing is measured. */
  seconds: number | null;
}

export interface DoctorParams {
  allowSoftwareGpu?: boolean;
}
export interface DoctorReport {
  runtime: string;
  backends: BackendReport[];
  models: ModelInfo[];
  sessions: number;
  bytesHeld: number;
}
export interface BackendReport {
  backend: Backend;
  usable: boolean;
  /** Adapter or CPU, features, limits and memory, one line each. */
  details: readonly string[];
  /** Why it cannot run, in one sentence; empty when it can. */
  reason: string;
}

/** All ways in which a call can fail; `message` is one sentence for the user. Only `bug` is for us to fix. */
export type Failure = {
  kind:
    | 'cancelled'
    | 'badModel'
    | 'badRequest'
    | 'promptTooLong'
    | 'outOfMemory'
    | 'engineGone'
    | 'versionMismatch'
    | 'bug';
  message: string;
};

export type Method = keyof Methods;
export type NotificationName = keyof Notifications;
