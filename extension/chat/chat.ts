/** The chat as the rest of the extension sees it. Pure: types only. */
import type { Pictures } from '../pictures/picture.ts';
import type { Attachment } from './context/attachment.ts';

export interface Chat {
  /**
   * Shows the view with `text` in its input and the attachments as chips; files that are pictures are decoded. Sends the
   * question at once if `send` is set.
   */
  ask(question: {
    text?: string;
    attachments?: Attachment[];
    send?: boolean;
    newConversation?: boolean;
    /** A sentence that the page shows above its input. */
    notice?: string;
  }): Promise<void>;
  newConversation(): Promise<void>;
  /** Shows the list of conversations. */
  showList(): Promise<void>;
  /** Saves the open conversation as Markdown. */
  exportOpen(): Promise<void>;
  /** Opens the chat in an editor tab. */
  openInEditor(): void;
  /** Pictures that the chat's page decodes, for other features too. */
  readonly pictures: Pictures;
  /** Loads all pages again from disk; only development needs it. */
  reloadPages(): void;
}
