/** An attachment refers to text for a question; it does not yet contain the text. Pure: types only. */
import type { Chip } from '../../../webview/protocol.ts';

/** Something that the user attached to a question. Lines are counted from 1. */
export type Attachment =
  /** `automatic`: the editor showed the file; the user did not choose it. */
  | { kind: 'file' | 'folder'; uri: string; automatic?: boolean }
  /** A file in which the project instructs assistants. */
  | { kind: 'instructions'; uri: string }
  | { kind: 'selection'; uri: string; firstLine: number; lastLine: number }
  | { kind: 'symbol'; uri: string; name: string; firstLine: number; lastLine: number }
  | { kind: 'problems'; uri?: string; line?: number }
  | { kind: 'terminal'; text: string }
  | { kind: 'changes'; staged?: boolean }
  | { kind: 'project' }
  | PictureAttachment;

/** A picture of the store, by the hash of its file. Sizes are pixels. */
export interface PictureAttachment {
  kind: 'picture';
  hash: string;
  name: string;
  width: number;
  height: number;
  /** In how many crops the model may see it; the model decides if absent. */
  mostCrops?: number;
}

/** A piece of text for a prompt. */
export interface Source {
  /** Name by which the model and the user know the text; usually its path in the workspace. */
  readonly name: string;
  /** Lines end in `\n`; secrets are hidden. */
  readonly text: string;
  /** Address at which the text can be opened; empty if it cannot be opened. */
  readonly uri: string;
  /** The line of the file at which `text` begins, counted from 1. */
  readonly firstLine: number;
  /** If `text` does not fit, the part around this offset is kept; without an offset, the start is kept. */
  readonly cursor?: number;
}

/** Reads what attachments refer to. */
export interface ContextReader {
  /**
   * Rejects with an Error of one sentence if the attachment cannot be read. `question` guides the search for
   * `@project`.
   */
  read(attachment: Attachment, question: string, signal: AbortSignal): Promise<Source[]>;
  /**
   * Tells the listener, now and on each change, what reading a project is waiting for, such as "Indexing 1,200 of
   * 50,000 files"; an empty text if it is not waiting.
   */
  onDidChangeWaiting?(listener: (text: string) => void): { dispose(): void };
  /** The chip of an attachment, without its token count. */
  chip(attachment: Attachment): ChipText;
}

export type ChipText = Omit<Chip, 'id' | 'tokens' | 'cut'>;
