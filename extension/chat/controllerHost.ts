/** Dependencies of the controller. Pure: types only. */
import type { EngineView, FromPage, HostCommand, Suggestion, SyntaxColors } from '../../webview/protocol.ts';
import type { AnsweringHost } from './answer/answering.ts';
import type { Pages } from './page/pages.ts';
import type { PictureExchange } from '../pictures/pictureExchange.ts';
import type { PictureStore } from '../pictures/pictureStore.ts';
import type { Attachment } from './context/attachment.ts';
import type { ConversationStore } from './conversation/conversationStore.ts';

export interface ControllerHost extends AnsweringHost {
  readonly store: ConversationStore;
  readonly pages: Pages;
  readonly actions: Actions;
  readonly pictures: PictureExchange;
  readonly pictureStore: PictureStore;
  readonly texts: Record<string, string>;
  engine(): EngineView;
  /** Context length of the loaded model in tokens; 0 if none is loaded. */
  contextLength(): number;
  colors(): SyntaxColors;
  trusted(): boolean;
  /** What every question gets unless the user removes it: the project's instructions, and what the active editor shows. */
  automatic(): readonly Attachment[];
  log(message: string): void;
  readonly pauseMs?: number;
}

/** Actions outside the conversation that the page may request; VS Code performs them. */
export interface Actions {
  /** Shows a page of the chat and gives it the focus. */
  reveal(): Promise<void>;
  confirm(question: string, action: string): Promise<boolean>;
  /** Asks where to, and saves. */
  saveAs(chat: ExportedChat): Promise<void>;
  /** The addresses of picture files that the user chooses; empty if none. */
  pickPictures(): Promise<string[]>;
  copy(text: string): Promise<void>;
  openSource(uri: string, line: number): Promise<void>;
  openLink(href: string): Promise<void>;
  run(command: HostCommand): Promise<void>;
  /** Performs a code block's action. Resolves to a sentence saying why it failed; empty on success. */
  code(block: Extract<FromPage, { type: 'code' }>, sources: readonly string[]): Promise<string>;
  suggest(text: string): Promise<Suggestion[]>;
  /** A file or folder that was dropped. */
  dropped(uri: string): Promise<Attachment>;
  /** Resolves a suggestion to its attachment. */
  attachment(suggestionId: string): Promise<Attachment>;
  /** The conversation is gone, so the engine may free its state. */
  closed(conversationId: string): void;
}

export interface ExportedChat {
  /** The name of the text's file. */
  readonly name: string;
  /** Markdown. */
  readonly text: string;
  readonly copies: readonly FileCopy[];
}

export interface FileCopy {
  /** The absolute path of the file. */
  readonly from: string;
  /** Where it goes, relative to the text: "pictures/dialog-1a2b3c4d.png". */
  readonly to: string;
}
