/** The chat as the rest of the extension sees it. Pure: types only. */
import type { Attachment } from './context/attachment.ts';

export interface Chat {
  /** Shows the view with `text` in its input and the attachments as chips. Sends the question at once if `send` is set. */
  ask(question: {
    text?: string;
    attachments?: Attachment[];
    send?: boolean;
    newConversation?: boolean;
  }): Promise<void>;
  newConversation(): Promise<void>;
  /** Shows the list of conversations. */
  showList(): Promise<void>;
  /** Saves the open conversation as Markdown. */
  exportOpen(): Promise<void>;
  /** Opens the chat in an editor tab. */
  openInEditor(): void;
  /** Loads all pages again from disk; only development needs it. */
  reloadPages(): void;
}
