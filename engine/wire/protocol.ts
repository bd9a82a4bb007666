/**
 * Everything that crosses between the extension host and the engine process, over vscode-jsonrpc on a private socket.
 * Plain data only. Imports nothing.
 */
export interface Methods {
  /** First on every connection. The engine closes a connection whose token is wrong or whose version differs. */
  initialize: { params: { version: string; token: string }; part: never; result: { version: string; pid: number } };
  /** Loads a model or joins one that another window has loaded; it goes when its last connection goes. */
  load: { params: LoadParams; part: LoadProgress; result: ModelInfo };
  complete: { params: CompleteParams; part: never; result: CompleteResult };
  /** Answers a conversation; completions go before every token of it. */
  chat: { params: ChatParams; part: ChatPart; result: ChatResult };
  /** Cuts sources to what the window leaves for them beside a conversation. */
  fit: { params: FitParams; part: never; result: FitResult };
  countTokens: { params: CountTokensParams; part: never; result: { counts: number[] } };
  doctor: { params: DoctorParams; part: never; result: DoctorReport };
}

export interface Notifications {
  /** Client to engine: this window wants no engine any more; without other windows the engine ends at once. */
  goodbye: Record<string, never>;
  /** Client to engine: the document is closed; what is kept for it goes. */
  closed: { sessionId: string };
  /** Engine to client: it begins, or ends, to read the rest of a document between completions. */
  reading: { sessionId: string; active: boolean };
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
  /** A software GPU adapter serves only where this is set (tests). */
  allowSoftwareGpu?: boolean;
  /** Keeps what was read of large files, for when they are opened again; of several windows the last one's counts. */
  keepOnDisk?: { folder: string; maxBytes: number };
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
  /** Whether it has a chat template: without one it cannot answer. */
  chat: boolean;
  /** Adapter name, or the WASM path and thread count. */
  device: string;
  /** Why a better backend was not taken; empty where the best one runs. */
  notes: string[];
  bytes: number;
}

export interface CompleteParams {
  modelId: string;
  /** Names the document, so that its KV cache is found again. */
  sessionId: string;
  /** File name with extension, for models that were trained with it, and the comment syntax. */
  fileName: string;
  languageId: string;
  /** Text before and after the cursor; the engine cuts it to its token budget. */
  prefix: string;
  suffix: string;
  /** Lines of the document in front of `prefix` and behind `suffix` that are not sent; 0 where absent. */
  linesBefore?: number;
  linesAfter?: number;
  maxTokens: number;
  multiline: 'auto' | 'always' | 'never';
}
export interface CompleteResult {
  /** To insert at the cursor; empty where there is nothing worth showing. */
  text: string;
  /** Prompt tokens found in the KV cache, and computed now. */
  tokensReused: number;
  tokensPrefilled: number;
  tokensGenerated: number;
  stop: StopReason;
  prefillMs: number;
  decodeMs: number;
  window: SeenLines;
}
/** The lines of a document that a prompt held: first and last of each range, from 1. None where the model was not asked. */
export interface SeenLines {
  lines: [first: number, last: number][];
  totalLines: number;
}
/** end: the model's stop token. text: a stop string or rule. length: maxTokens or the context is full. */
export type StopReason = 'end' | 'text' | 'length';

export interface ChatParams {
  modelId: string;
  /** Names the conversation, so that its KV cache is found again; a newer call of the same name cancels the older. */
  sessionId: string;
  /** At most one `system`, first; then in turn. Where the last one is the assistant's, the answer goes on behind it. */
  messages: ChatTurn[];
  /** Of the answer; half of the window at most, whatever stands here. */
  maxTokens: number;
  /** Absent: the likeliest token each time. */
  sampling?: { temperature: number; topP: number; seed: number };
}
export interface ChatTurn {
  role: 'system' | 'user' | 'assistant';
  text: string;
}
export interface ChatPart {
  text: string;
}
export interface ChatResult {
  /** Prompt tokens found in the KV cache, and computed now. */
  tokensReused: number;
  tokensPrefilled: number;
  tokensGenerated: number;
  stop: StopReason;
  prefillMs: number;
  decodeMs: number;
  /** The oldest messages, a question and its answer each time, that the window does not hold; the system's stays. */
  messagesDropped: number;
}

export interface FitParams {
  modelId: string;
  /** The conversation with the question last, without the sources. */
  messages: ChatTurn[];
  sources: FitSource[];
  /** Kept free for the answer, as in ChatParams. */
  maxTokens: number;
}
export interface FitSource {
  name: string;
  /** Line ends `\n`. */
  text: string;
  /** Offset in `text` around which it is kept where not all fits. */
  cursor?: number;
}
export interface FitResult {
  /** In the order asked for. */
  sources: FittedSource[];
  /** What the conversation takes with the fitted sources, of what the window leaves beside the answer. */
  tokensUsed: number;
  tokensLimit: number;
  /** As in ChatResult, were the question asked with these sources. */
  messagesDropped: number;
}
export interface FittedSource {
  /** What is left, with a note in place of lines left out; empty where nothing fits. */
  text: string;
  /** Of the source, from 1. */
  lines: [first: number, last: number][];
  totalLines: number;
  /** Of the whole source, and of what is left. */
  tokensWhole: number;
  tokens: number;
}
export interface CountTokensParams {
  modelId: string;
  texts: string[];
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
  /** Adapter or CPU, features, limits, memory: one line each. */
  details: readonly string[];
  /** Why it cannot run, in one sentence; empty where it can. */
  reason: string;
}

/** Every way a call can fail. Only `bug` is ours to mend; `message` is one sentence for the user. */
export type Failure = {
  kind: 'cancelled' | 'badModel' | 'badRequest' | 'outOfMemory' | 'engineGone' | 'versionMismatch' | 'bug';
  message: string;
};

export type Method = keyof Methods;
export type NotificationName = keyof Notifications;
