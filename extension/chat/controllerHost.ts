/** What the controller needs of its surroundings. Pure: types only. */
import type { EngineView, FromPage, Suggestion, SyntaxColors } from '../../webview/protocol.ts';
import type { AnsweringHost } from './answer/answering.ts';
import type { Pages } from './page/pages.ts';
import type { Attachment } from './context/attachment.ts';
import type { ConversationStore } from './conversation/conversationStore.ts';

export interface ControllerHost extends AnsweringHost {
  readonly store: ConversationStore;
  readonly pages: Pages;
  readonly actions: Actions;
  readonly texts: Record<string, string>;
  engine(): EngineView;
  /** Of the model that is loaded; 0 where none is. */
  contextLength(): number;
  colors(): SyntaxColors;
  trusted(): boolean;
  /** What the active editor shows, where it may be attached. */
  automatic(): Attachment | undefined;
  log(message: string): void;
  readonly pauseMs?: number;
}

/** What the page may ask for beside the conversation; VS Code does it. */
export interface Actions {
  /** Shows a page of the chat and gives it the focus. */
  reveal(): Promise<void>;
  confirm(question: string, action: string): Promise<boolean>;
  saveAs(name: string, text: string): Promise<void>;
  copy(text: string): Promise<void>;
  openSource(uri: string, line: number): Promise<void>;
  openLink(href: string): Promise<void>;
  run(command: 'restartEngine' | 'chooseModel' | 'showLog'): Promise<void>;
  /** What a code block's button does; the sentence says why it cannot, and is empty where it did. */
  code(block: Extract<FromPage, { type: 'code' }>, sources: readonly string[]): Promise<string>;
  suggest(text: string): Promise<Suggestion[]>;
  /** What a suggestion attaches. */
  attachment(suggestionId: string): Promise<Attachment>;
  /** The engine may forget this conversation. */
  closed(conversationId: string): void;
}
