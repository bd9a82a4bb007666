import type * as vscode from 'vscode';
import type { ListedModel, ModelLine } from '../../../engine/wire/models.ts';
import type { EngineState, Purpose } from '../../../extension/engine/engine.ts';
import type { ModelItem } from '../../../extension/models/modelItems.ts';
import { ModelList } from '../../../extension/models/modelList.ts';
import { STARTER } from '../../../extension/bundledModels.ts';
import { readSettings, type Settings } from '../../../extension/settings.ts';
import { FakeServerUse } from './serverUse.ts';
import { EventEmitter } from './vscodeBasics.ts';
import { commands, window } from './vscodeStub.ts';

type Progress = Extract<ModelLine, { type: 'progress' }>;

/** The window in which commands about models run: what the user picks and answers, and what happens then. */
export class ModelsWindow {
  /** What the user picks in each quick pick, by label; a quick pick without one is dismissed. */
  readonly picks: RegExp[] = [];
  /** The path that the user chooses in a dialog. */
  path: string | undefined;
  /** The button that the user presses in a message. */
  answer: RegExp | undefined;
  /** Whether the user cancels what runs under a progress. */
  cancels = false;

  /** The lines of each quick pick. */
  readonly lines: { title: string; labels: string[]; details: (string | undefined)[] }[] = [];
  readonly dialogs: vscode.OpenDialogOptions[] = [];
  readonly messages: string[] = [];
  readonly progress: string[] = [];
  readonly terminals: vscode.TerminalOptions[] = [];
  /** Calls of the program, the engine, the settings and of commands, in order. */
  readonly calls: string[] = [];

  memoryBytes = 4e9;
  /** What the program answers to a command; models by default. */
  respond: (args: readonly string[]) => readonly ListedModel[] | Error = () => [];
  readonly completion = new FakeModel();
  readonly chat = new FakeModel();
  /** Settings by key; also `defaultModel`, the model where none is set. */
  readonly stored: Record<string, string> = {};

  readonly program = {
    models: async (
      args: readonly string[],
      signal: AbortSignal,
      onProgress: (progress: Progress) => void = () => {},
    ) => {
      this.calls.push(`airgap ${args.join(' ')}`);
      onProgress({ type: 'progress', step: 'Reading', doneBytes: 1e9, totalBytes: 4e9 });
      signal.throwIfAborted();
      const answer = this.respond(args);
      if (answer instanceof Error) throw answer;
      return answer;
    },
    text: async (args: readonly string[]) => {
      this.calls.push(`airgap ${args.join(' ')}`);
      return 'device  a\n';
    },
  };
  readonly config = {
    get settings(): Settings {
      throw new Error('not set');
    },
    update: async (key: string, value: unknown) => {
      this.calls.push(`${key} = ${String(value)}`);
      this.stored[key] = String(value);
    },
    reread: () => {},
  };
  readonly engine = {
    completionModel: this.completion,
    chatModel: this.chat,
    stop: () => void this.calls.push('stop'),
    warmUp: (purpose: Purpose) => {
      this.calls.push(`warm up ${purpose}`);
      const model = purpose === 'chat' ? this.chat : this.completion;
      model.become({ kind: 'starting' });
      model.become(model.next);
    },
  };
  /** The settings about a server; none is chosen. */
  readonly serverSettings = new FakeServerUse();
  readonly server = this.serverSettings.use;
  readonly list = new ModelList({
    program: this.program,
    settings: () => this.config.settings,
    log: (message) => this.calls.push(`log: ${message}`),
  });

  constructor() {
    Object.defineProperty(this.config, 'settings', { get: () => this.settings });
    Object.assign(window, {
      showQuickPick: async (lines: readonly vscode.QuickPickItem[], { title = '' }: vscode.QuickPickOptions) => {
        this.#show(title, lines);
        return this.#pick(lines);
      },
      createQuickPick: () => this.#createQuickPick(),
      showOpenDialog: async (options: vscode.OpenDialogOptions) => {
        this.dialogs.push(options);
        return this.path === undefined ? undefined : [{ fsPath: this.path }];
      },
      showInformationMessage: this.#message,
      showWarningMessage: this.#message,
      withProgress: (
        { title = '' }: vscode.ProgressOptions,
        run: (shown: vscode.Progress<{ message?: string }>, token: object) => unknown,
      ) => {
        const token = { isCancellationRequested: this.cancels, onCancellationRequested: () => {} };
        return run({ report: ({ message }) => this.progress.push(`${title}: ${message}`) }, token);
      },
      createTerminal: (options: vscode.TerminalOptions) => {
        this.terminals.push(options);
        return { show: () => this.calls.push('show terminal') };
      },
      createTreeView: () => ({
        visible: false,
        message: '',
        onDidChangeVisibility: () => ({ dispose() {} }),
        dispose() {},
      }),
    });
    commands.executeCommand = async (...call: unknown[]) => void this.calls.push(call.map(String).join(' '));
  }

  get settings(): Settings {
    return readSettings(
      (key) => this.stored[key],
      (key) => key in this.stored,
      () => this.stored['defaultModel'] ?? STARTER,
    ).settings;
  }

  readonly #message = async (
    text: string,
    ...rest: (string | vscode.MessageOptions)[]
  ): Promise<string | undefined> => {
    const details = rest.flatMap((each) => (typeof each === 'string' ? [] : [each.detail ?? '']));
    const buttons = rest.filter((each) => typeof each === 'string');
    this.messages.push([text, ...details, ...buttons].join(' | '));
    return buttons.find((button) => this.answer?.test(button));
  };

  #show(title: string, lines: readonly vscode.QuickPickItem[]): void {
    this.lines.push({ title, labels: lines.map(({ label }) => label), details: lines.map(({ detail }) => detail) });
  }

  #pick<T extends vscode.QuickPickItem>(lines: readonly T[]): T | undefined {
    const wanted = this.picks.shift();
    return lines.find(({ label, kind }) => kind !== -1 && wanted?.test(label));
  }

  /** The user picks once everything has been found, and goes away after the last pick. */
  #createQuickPick(): object {
    const accepted = new EventEmitter<void>();
    const hidden = new EventEmitter<void>();
    const picker = {
      ...{ title: '', items: [] as ModelItem[], activeItems: [], selectedItems: [] as ModelItem[], isBusy: false },
      onDidAccept: accepted.event,
      onDidHide: hidden.event,
      get busy(): boolean {
        return picker.isBusy;
      },
      set busy(busy: boolean) {
        const isDone = picker.isBusy && !busy;
        picker.isBusy = busy;
        if (isDone) void Promise.resolve().then(userActs);
      },
      show() {},
      dispose() {},
    };
    const userActs = (): void => {
      this.#show(picker.title, picker.items);
      while (this.picks.length > 0) {
        const picked = this.#pick(picker.items);
        picker.selectedItems = picked ? [picked] : [];
        accepted.fire();
      }
      hidden.fire();
    };
    return picker;
  }
}

class FakeModel {
  readonly #changed = new EventEmitter<EngineState>();
  state: EngineState = { kind: 'off' };
  /** What becomes of it when it is loaded. */
  next: EngineState = { kind: 'ready', model: { backend: 'wasm', device: '2 threads' } as never, notes: [] };

  get onDidChangeState() {
    return this.#changed.event;
  }
  become(state: EngineState): void {
    this.state = state;
    this.#changed.fire(state);
  }
}
