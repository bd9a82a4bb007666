/**
 * All messages between the preview of Screenshot to Code and the extension host, sent by postMessage. Plain data only;
 * imports nothing. The host validates the page's messages (extension/screenshot/panel.ts); the page trusts the host, but
 * not the code in its messages.
 */
export type FromPreview =
  /** The page has loaded, for the first time or again: the host answers with `state` and `code`. */
  | { type: 'ready' }
  | { type: 'stop' }
  /** Asks the first question again. */
  | { type: 'again' }
  /** The user's words about what shall become different. */
  | { type: 'refine'; words: string }
  | { type: 'addToProject' }
  /** Whether scripts of the shown code run. The host then loads the page again, under the policy that this takes. */
  | { type: 'scripts'; allowed: boolean };

export type ToPreview =
  | { type: 'state'; state: PreviewState }
  /** The whole code, as far as it is written. */
  | { type: 'code'; code: string };

export interface PreviewState {
  picture: Picture;
  /** How the code is shown; other languages need the project's own tools. */
  preview: 'html' | 'react' | 'none';
  /** Whether the model is at work. */
  writing: boolean;
  /** One sentence on what is happening, or how it ended. */
  status: string;
  /** Whether `status` says that something failed or is incomplete. */
  problem: boolean;
  /** Sentences that the user should know about the question. */
  notes: string[];
  scripts: boolean;
  /** In an untrusted workspace nothing is added to the project. */
  trusted: boolean;
  /** Translations of the page's texts: English -> the user's language. */
  texts: Record<string, string>;
}

export interface Picture {
  src: string;
  name: string;
  /** Pixels. */
  width: number;
  height: number;
}
