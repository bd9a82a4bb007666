/**
 * All messages between the chat's page and the extension host, sent by postMessage. Plain data only; imports
 * nothing. The host owns all state; the page renders it and reports user actions. The host validates the page's
 * messages (extension/chat/page/messages.ts); the page trusts the host, but not the text in its messages.
 */
export type FromPage =
  /** The page has loaded, for the first time or again: the host answers with `state`. */
  | { type: 'ready' }
  | { type: 'send'; text: string }
  | { type: 'stop' }
  /** Continues the last answer, which was stopped or cut off. */
  | { type: 'continue' }
  /** Discards the last answer and requests a new one. */
  | { type: 'regenerate' }
  /** Replaces the text of an earlier user message, removes the messages after it, and sends it again. */
  | { type: 'edit'; messageId: string; text: string }
  | { type: 'newConversation' }
  | { type: 'openConversation'; conversationId: string }
  | { type: 'renameConversation'; conversationId: string; title: string }
  /** Deletes permanently; the host asks for confirmation first. */
  | { type: 'deleteConversation'; conversationId: string }
  | { type: 'exportConversation'; conversationId: string }
  /** Lists conversations whose title or text contains `query`; all if it is empty. Answer: `conversations`. */
  | { type: 'listConversations'; query: string }
  /** Requests completions of the `@…` or `/…` before the cursor. Answer: `suggestions` with the same `request`. */
  | { type: 'suggest'; request: number; text: string }
  /** The user accepted a suggestion that has an attachment. */
  | { type: 'attach'; suggestionId: string }
  | { type: 'detach'; chipId: string }
  | { type: 'code'; action: CodeAction; code: string; language: string; path: string }
  | { type: 'copyMessage'; messageId: string }
  /** A source under an answer, or a chip: opens the file at the line. */
  | { type: 'openSource'; uri: string; line: number }
  /** A link in an answer; http and https only. The host, and then VS Code itself, ask before it opens. */
  | { type: 'openLink'; href: string }
  | { type: 'run'; command: HostCommand }
  | PictureFromPage;

export type PictureFromPage =
  | PictureTransfer
  /** Files were dropped of which the page knows the addresses only. */
  | { type: 'dropped'; uris: string[] }
  | { type: 'pickPicture' }
  /** The most crops in which the model is to see the picture of a chip. */
  | { type: 'limitCrops'; chipId: string; mostCrops: number };

/** Pictures go in pieces of at most 4 MB, each of which the receiver requests. */
export type PictureTransfer =
  /**
   * A picture that the page has decoded, as a PNG file of so many bytes. The host requests them with `pictureWanted`.
   * `decode` names the host's request; without it, the picture becomes a chip.
   */
  | { type: 'picture'; transfer: number; name: string; width: number; height: number; bytes: number; decode?: number }
  | { type: 'picturePiece'; transfer: number; offset: number; data: Uint8Array<ArrayBuffer> }
  /** Requests the bytes of a file that the host wants to have decoded. Answer: `filePiece`. */
  | { type: 'fileWanted'; decode: number; offset: number }
  /** What the host wants to have decoded cannot be decoded. One sentence. */
  | { type: 'pictureFailed'; decode: number; text: string };

/** Actions on a code block. `apply`: locates it in a file and shows a diff. `terminal`: inserts it, never runs it. */
export type CodeAction = 'copy' | 'insert' | 'replace' | 'newFile' | 'apply' | 'terminal';

export type ToPage = ViewMessage | PictureToPage;

export type PictureToPage =
  | { type: 'pictureWanted'; transfer: number; offset: number }
  /** The host needs nothing more of this picture. */
  | { type: 'pictureEnded'; transfer: number }
  /** A file that the page is to decode. It requests the bytes with `fileWanted`, and answers with `picture`. */
  | { type: 'decode'; decode: number; name: string; bytes: number }
  | { type: 'filePiece'; decode: number; offset: number; data: Uint8Array<ArrayBuffer> };

/** Messages that change what the page shows. */
export type ViewMessage =
  | { type: 'state'; state: PageState }
  /** Adds or updates a message of the open conversation; the page removes all messages after it. */
  | { type: 'message'; message: PageMessage }
  /** Text to append to the answer being written. */
  | { type: 'part'; messageId: string; text: string }
  | { type: 'chips'; chips: Chip[]; contextUse: ContextUse }
  | { type: 'engine'; engine: EngineView }
  | { type: 'conversations'; query: string; conversations: ConversationEntry[] }
  | { type: 'suggestions'; request: number; suggestions: Suggestion[] }
  | { type: 'colors'; colors: SyntaxColors }
  /** Puts text into the input, selects nothing, and gives it the focus. */
  | { type: 'compose'; text: string }
  /** One sentence for the user, shown and read out; no dialog. */
  | { type: 'notice'; text: string };

export interface PageState {
  conversationId: string;
  title: string;
  messages: PageMessage[];
  chips: Chip[];
  contextUse: ContextUse;
  engine: EngineView;
  colors: SyntaxColors;
  /** Translations of the page's texts: English -> the user's language. Missing ones stay English. */
  texts: Record<string, string>;
  /** In an untrusted workspace nothing is applied, and the project is not read. */
  trusted: boolean;
}

export interface PageMessage {
  id: string;
  role: 'user' | 'assistant';
  /** Markdown for an answer, plain text for a question. */
  text: string;
  /** What the model thought before the answer, as plain text; only once it is complete. */
  thoughts?: string;
  /**
   * writing: parts follow. cut: the answer reached the length limit and can be continued. repeated: it ends where it
   * began to repeat itself. failed: `problem` says why.
   */
  status: 'writing' | 'done' | 'stopped' | 'cut' | 'repeated' | 'failed';
  /** Short text saying what the answer is waiting for, while no text has arrived yet. */
  waiting?: string;
  /** One sentence. */
  problem?: string;
  /** The problem is the server's. */
  fault?: 'server';
  /** Context of the question: the chips as sent, and (`sources`) the pieces included in the prompt. */
  chips?: Chip[];
  sources?: SourceLink[];
  /** Token counts of an answer, once known: "Tokens: 12 read, 3,400 from the cache; 30 written, 14 per second". */
  figures?: string;
}

/** A piece of text that was included in a question's prompt. */
export interface SourceLink {
  /** "src/a.ts", or another name that the user knows. */
  name: string;
  /** Empty if no file can be opened. */
  uri: string;
  /** Line ranges included in the prompt, 1-based. */
  lines: [first: number, last: number][];
  totalLines: number;
}

/** Something attached to the question that is being written. */
export interface Chip {
  id: string;
  kind:
    | 'instructions'
    | 'selection'
    | 'file'
    | 'folder'
    | 'symbol'
    | 'problems'
    | 'terminal'
    | 'changes'
    | 'project'
    | 'picture';
  /** Short: "main.ts:10-24". */
  label: string;
  /** For the tooltip and screen readers: the full path and the size. */
  detail: string;
  /** Absent while tokens are being counted, and for content that depends on the question (project). */
  tokens?: number;
  /** Description of what does not fit: "lines 400-900 of 900 left out". Empty if everything fits. */
  cut: string;
  uri?: string;
  line?: number;
  /** Only for pictures. */
  picture?: ChipPicture;
}

export interface ChipPicture {
  /** The page shows the file HASH.png of the folder that its HTML names. */
  hash: string;
  /** Pixels. */
  width: number;
  height: number;
  /** What the model offers, most crops first; empty while that is unknown and where the model sees no pictures. */
  costs: PictureCost[];
  /** What the user has chosen of it; the first if absent. */
  mostCrops?: number;
  /** For a model that sees no pictures: how many words were read. It is given these, and the chip's `uri` opens them. */
  words?: number;
}

export interface PictureCost {
  mostCrops: number;
  tokens: number;
  /** From the picture to the first word; null while nothing is measured. */
  seconds: number | null;
}

/** Tokens of the context window that the next request would use. `limit` is 0 if no model is loaded. */
export interface ContextUse {
  used: number;
  limit: number;
  /** One sentence saying what was dropped and by which rule; empty if nothing was. */
  note: string;
}

/** What a button of the engine's banner does. */
export type Remedy = 'restart' | 'getChatModel' | 'chooseModel' | 'server' | 'log';
/** What the host does for a button; `traffic` shows what was sent where, `useLocal` leaves the server alone for now. */
export type HostCommand = Remedy | 'traffic' | 'useLocal';

export interface EngineView {
  kind: 'off' | 'sleeping' | 'starting' | 'loading' | 'ready' | 'failed';
  /** The model's name, or a sentence saying what is wrong or when it will load. */
  text: string;
  /** Loading progress, 0 to 1. */
  fraction: number;
  /** Buttons that help with a failed engine, or with a model that cannot chat well. */
  remedies: Remedy[];
  /** One sentence that the user should know about the model ("The bundled model …"); otherwise empty. */
  advice: string;
  /** "Local only", or the name of the server that something goes to. */
  place: string;
  /** What goes to the server; empty where none is used. */
  goes: string;
  /** The same, and what was sent where. */
  sent: string;
}

export interface ConversationEntry {
  id: string;
  title: string;
  /** "2 hours ago", in the user's language. */
  when: string;
  messages: number;
  /** Text around the first search hit; empty without one. */
  excerpt: string;
}

export interface Suggestion {
  id: string;
  /** Text that replaces the typed `@…` or `/…` in the input; empty if the suggestion becomes a chip. */
  insert: string;
  /** "@file", "main.ts", "/explain". */
  label: string;
  detail: string;
  kind: Chip['kind'] | 'command';
  /**
   * Accepting it opens another list ("@file ", then file names): `insert` is inserted and suggestions are requested
   * again.
   */
  more: boolean;
}

/** Colours of the editor's theme for the classes of highlight.js, such as `keyword` and `title.function`. */
export type SyntaxColors = Record<string, { color?: string; italic?: boolean; bold?: boolean }>;
