/** The part of the `vscode` module that unit tests use; the window tests use the real one. */
import { matchesGlob } from 'node:path';
import type * as vscode from 'vscode';

import { EventEmitter, type Range } from './vscodeBasics.ts';

export * from './vscodeBasics.ts';

export class InlineCompletionItem {
  constructor(
    readonly insertText: string,
    readonly range: Range,
  ) {}
}

export class MarkdownString {
  value = '';
  isTrusted: { enabledCommands: string[] } | undefined;
  appendText(text: string): this {
    this.value += text;
    return this;
  }
  appendMarkdown(text: string): this {
    this.value += text;
    return this;
  }
}

export class ThemeColor {
  constructor(readonly id: string) {}
}

export const InlineCompletionTriggerKind = { Invoke: 0, Automatic: 1 } as const;
export const ConfigurationTarget = { Global: 1, Workspace: 2 } as const;
export const StatusBarAlignment = { Left: 1, Right: 2 } as const;

export const l10n = {
  t: (message: string, ...values: unknown[]): string =>
    message.replace(/\{(\d+)\}/g, (_, index: string) => String(values[Number(index)])),
};

export const version = '1.104.0';

/** State for tests: settings by full key, and everything that was shown or registered. */
export const fake = {
  settings: {} as Record<string, unknown>,
  configurationChanged: new EventEmitter<{ affectsConfiguration(key: string): boolean }>(),
  editorChanged: new EventEmitter<unknown>(),
  selectionChanged: new EventEmitter<unknown>(),
  textChanged: new EventEmitter<unknown>(),
  documentClosed: new EventEmitter<vscode.TextDocument>(),
  statusItems: [] as { text: string; tooltip: MarkdownString; accessibilityInformation: { label: string } }[],
  messages: [] as string[],
  notebooks: [] as unknown[],
  documents: [] as vscode.TextDocument[],
  documentSaved: new EventEmitter<unknown>(),
  /** Changes settings as the user would. */
  set(settings: Record<string, unknown>): void {
    fake.settings = settings;
    fake.configurationChanged.fire({ affectsConfiguration: () => true });
  },
};

export const log = { trace() {}, debug() {}, info() {}, warn() {}, error() {}, show() {}, dispose() {} };

export const window = {
  activeTextEditor: undefined as { document: unknown; selection?: unknown } | undefined,
  createStatusBarItem: () => {
    const item = {
      text: '',
      tooltip: new MarkdownString(),
      accessibilityInformation: { label: '' },
      show() {},
      dispose() {},
    };
    fake.statusItems.push(item);
    return item;
  },
  activeColorTheme: { kind: 2 },
  onDidChangeActiveColorTheme: () => ({ dispose() {} }),
  onDidChangeActiveTextEditor: fake.editorChanged.event,
  onDidChangeTextEditorSelection: fake.selectionChanged.event,
  showTextDocument: () => Promise.resolve(),
  showWarningMessage: () => Promise.resolve(),
  showInformationMessage: (message: string) => fake.messages.push(message),
};

export enum TextEditorSelectionChangeKind {
  Keyboard = 1,
  Mouse = 2,
  Command = 3,
}

export const NotebookCellKind = { Markup: 1, Code: 2 } as const;

export const workspace = {
  get notebookDocuments(): unknown[] {
    return fake.notebooks;
  },
  get textDocuments(): vscode.TextDocument[] {
    return fake.documents;
  },
  getWorkspaceFolder: () => ({ uri: { path: '/project' } }),
  asRelativePath: ({ path }: { path: string }) => path,
  onDidSaveTextDocument: fake.documentSaved.event,
  registerTextDocumentContentProvider: () => ({ dispose() {} }),
  fs: {
    isWritableFileSystem: (scheme: string) => (/^(file|vscode-remote|vscode-vfs)$/.test(scheme) ? true : undefined),
  },
  getConfiguration: (section?: string) => ({
    get: (key: string, otherwise?: unknown) => fake.settings[section ? `${section}.${key}` : key] ?? otherwise,
    inspect: (key: string) => ({ globalValue: fake.settings[section ? `${section}.${key}` : key] }),
  }),
  onDidChangeConfiguration: fake.configurationChanged.event,
  onDidChangeTextDocument: fake.textChanged.event,
  onDidCloseTextDocument: fake.documentClosed.event,
};

export const languages = {
  getDiagnostics: (): unknown[] => [],
  match: ({ pattern }: { pattern: string }, { uri }: vscode.TextDocument) => (matchesGlob(uri.path, pattern) ? 10 : 0),
};

export const env = {
  language: 'en',
  shell: '/bin/bash',
  clipboard: {} as vscode.Clipboard,
};

/** A test gives it what VS Code has. */
export const lm: Partial<typeof vscode.lm> = {};

export const extensions = {
  all: [] as unknown[],
  getExtension: (): unknown => undefined,
  onDidChange: () => ({ dispose() {} }),
};

export const commands = {
  executeCommand: (): Promise<unknown> => Promise.resolve(),
};

export const FileType = { Unknown: 0, File: 1, Directory: 2, SymbolicLink: 64 } as const;
export const CodeActionTriggerKind = { Invoke: 1, Automatic: 2 } as const;

export class TabInputText {
  constructor(readonly uri: unknown) {}
}

export class TabInputCustom {
  constructor(readonly uri: unknown) {}
}

export class CancellationTokenSource {
  readonly token = { isCancellationRequested: false };
  cancel(): void {
    this.token.isCancellationRequested = true;
  }
  dispose(): void {}
}

export class CodeActionKind {
  static readonly Empty = new CodeActionKind('');
  static readonly QuickFix = new CodeActionKind('quickfix');
  static readonly RefactorRewrite = new CodeActionKind('refactor.rewrite');
  private constructor(readonly value: string) {}
  append(part: string): CodeActionKind {
    return new CodeActionKind(this.value === '' ? part : `${this.value}.${part}`);
  }
  contains(other: CodeActionKind): boolean {
    return this.value === '' || this.value === other.value || other.value.startsWith(`${this.value}.`);
  }
}

export class CodeAction {
  command: unknown;
  diagnostics: unknown;
  constructor(
    readonly title: string,
    readonly kind: CodeActionKind,
  ) {}
}
