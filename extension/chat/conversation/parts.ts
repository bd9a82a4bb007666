/** What the parts of the chat know of each other. Pure: types only. */
import type {
  ChatParams,
  ChatPart,
  ChatResult,
  FitParams,
  FitResult,
  ModelInfo,
} from '../../../engine/wire/protocol.ts';
import type { Chip } from '../../../webview/protocol.ts';

/** What the user attached to a question: where to look, not yet the text. Ranges count lines from 1. */
export type Attachment =
  /** `automatic`: the editor showed it, nobody chose it. */
  | { kind: 'file' | 'folder'; uri: string; automatic?: boolean }
  | { kind: 'selection'; uri: string; firstLine: number; lastLine: number }
  | { kind: 'symbol'; uri: string; name: string; firstLine: number; lastLine: number }
  | { kind: 'problems'; uri?: string; line?: number }
  | { kind: 'terminal'; text: string }
  | { kind: 'changes'; staged?: boolean }
  | { kind: 'project' };

/** A piece of text for a prompt. */
export interface Source {
  /** What the model and the user know it by: the path in the workspace, mostly. */
  readonly name: string;
  /** Line ends `\n`; secrets hidden. */
  readonly text: string;
  /** Where it can be opened; empty where it cannot. */
  readonly uri: string;
  /** The line of the file at which `text` begins, from 1. */
  readonly firstLine: number;
  /** Offset in `text` around which it is kept where not all fits; its start where absent. */
  readonly cursor?: number;
}

/** Reads what attachments name. */
export interface ContextReader {
  /** Rejects with an Error of one sentence where it cannot be read; `question` guides @project. */
  read(attachment: Attachment, question: string, signal: AbortSignal): Promise<Source[]>;
  /** What reading a project waits for, told now and with each change: "Indexing 1,200 of 50,000 files", or nothing. */
  onDidChangeWaiting?(listener: (text: string) => void): { dispose(): void };
  /** The chip without its tokens. */
  chip(attachment: Attachment): Omit<Chip, 'id' | 'tokens' | 'cut'>;
}

/** The model, started when it is needed. All reject with EngineFailure. */
export interface ChatModel {
  /** What is loaded, or will be by then. */
  model(signal: AbortSignal): Promise<Pick<ModelInfo, 'contextLength' | 'chat' | 'name'>>;
  chat(
    request: Omit<ChatParams, 'modelId'>,
    signal: AbortSignal,
    onPart: (part: ChatPart) => void,
  ): Promise<ChatResult>;
  fit(request: Omit<FitParams, 'modelId'>, signal: AbortSignal): Promise<FitResult>;
  countTokens(texts: string[], signal: AbortSignal): Promise<number[]>;
}

/** The chat as commands see it. */
export interface Chat {
  /** Shows the view with `text` in its input and the attachments as chips; sends it at once where `send` says so. */
  ask(question: {
    text?: string;
    attachments?: Attachment[];
    send?: boolean;
    newConversation?: boolean;
  }): Promise<void>;
}

/** A part of the project that retrieval found. */
export interface Hit {
  readonly uri: string;
  /** Path in the workspace. */
  readonly path: string;
  /** From 1. */
  readonly firstLine: number;
  readonly lastLine: number;
  readonly text: string;
  /** What it declares; empty for text without names. */
  readonly symbol: string;
  readonly score: number;
}

export interface ProjectSearch {
  /** Best first. Waits until the index is ready; rejects with an Error of one sentence where there is none. */
  search(query: string, options: { limit: number; signal: AbortSignal }): Promise<Hit[]>;
  /** What a search would wait for, in a few words; empty where it waits for nothing. */
  readonly status: string;
  readonly onDidChangeStatus: (listener: () => void) => { dispose(): void };
}
