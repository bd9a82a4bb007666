/** The settings as VS Code holds them now; read here and nowhere else. */
import * as vscode from 'vscode';
import { STARTER } from './bundledModels.ts';
import { readSettings, type SettingKey, type Settings } from './settings.ts';

const SECTION = 'airgap';

export class Config implements vscode.Disposable {
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #listener: vscode.Disposable;
  #settings: Settings;
  #problems: readonly string[] = [];

  /** `report` is told once per change about settings that are not valid. */
  readonly #report: (problem: string) => void;

  readonly #defaultModel: (settings: Settings) => string;

  /** `defaultModel` as readSettings takes it. */
  constructor(report: (problem: string) => void, defaultModel: (settings: Settings) => string = () => STARTER) {
    this.#report = report;
    this.#defaultModel = defaultModel;
    this.#settings = this.#read();
    this.#listener = vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration(SECTION)) this.reread();
    });
  }

  /** To be called where what a default depends on has changed: which models are here. */
  reread(): void {
    this.#settings = this.#read();
    this.#changed.fire();
  }

  get settings(): Settings {
    return this.#settings;
  }
  /** One sentence for each setting that is not valid, and so counts as its default. */
  get problems(): readonly string[] {
    return this.#problems;
  }
  get onDidChange(): vscode.Event<void> {
    return this.#changed.event;
  }

  /** Whether VS Code shows ghost text by itself in this document. */
  inlineSuggestEnabled(document: vscode.TextDocument): boolean {
    return vscode.workspace.getConfiguration('editor', document).get('inlineSuggest.enabled', true);
  }

  /** Writes for the user, or for the workspace where that has a value of its own which would win. */
  async update<K extends SettingKey>(key: K, value: Settings[K]): Promise<void> {
    const section = vscode.workspace.getConfiguration(SECTION);
    const inWorkspace = section.inspect(key)?.workspaceValue !== undefined;
    await section.update(
      key,
      value,
      inWorkspace ? vscode.ConfigurationTarget.Workspace : vscode.ConfigurationTarget.Global,
    );
  }

  dispose(): void {
    this.#listener.dispose();
    this.#changed.dispose();
  }

  #read(): Settings {
    const section = vscode.workspace.getConfiguration(SECTION);
    const isSet = (key: string): boolean => {
      const { globalValue, workspaceValue, workspaceFolderValue } = section.inspect(key) ?? {};
      return [globalValue, workspaceValue, workspaceFolderValue].some((value) => value !== undefined);
    };
    const { settings, problems } = readSettings((key) => section.get(key), isSet, this.#defaultModel);
    this.#problems = problems;
    for (const problem of problems) this.#report(problem);
    return settings;
  }
}
