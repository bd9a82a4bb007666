/** The instruction files that the folders of a trusted workspace have. */
import * as vscode from 'vscode';
import { INSTRUCTION_FILES } from '../instructionFiles.ts';

export class ProjectInstructions implements vscode.Disposable {
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #subscriptions: vscode.Disposable[];
  #uris: readonly vscode.Uri[] = [];
  #looks = 0;

  constructor() {
    const look = (): void => void this.#look();
    const watcher = vscode.workspace.createFileSystemWatcher(`**/{${INSTRUCTION_FILES.join(',')}}`);
    this.#subscriptions = [
      this.#changed,
      watcher,
      watcher.onDidCreate(look),
      watcher.onDidChange(look),
      watcher.onDidDelete(look),
      vscode.workspace.onDidGrantWorkspaceTrust(look),
      vscode.workspace.onDidChangeWorkspaceFolders(look),
    ];
    look();
  }

  /** Fires when there are other files, and when the text of one has changed. */
  get onDidChange(): vscode.Event<void> {
    return this.#changed.event;
  }
  get uris(): readonly vscode.Uri[] {
    return this.#uris;
  }

  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.dispose();
  }

  async #look(): Promise<void> {
    const look = ++this.#looks;
    const folders = vscode.workspace.isTrusted ? (vscode.workspace.workspaceFolders ?? []) : [];
    const candidates = folders.flatMap(({ uri }) => INSTRUCTION_FILES.map((path) => vscode.Uri.joinPath(uri, path)));
    const found = await Promise.all(candidates.map(isFile));
    if (look !== this.#looks) return;
    this.#uris = candidates.filter((_, index) => found[index]);
    this.#changed.fire();
  }
}

async function isFile(uri: vscode.Uri): Promise<boolean> {
  const stat = await vscode.workspace.fs.stat(uri).then(undefined, () => undefined);
  // The bit of a link is set beside it.
  return stat !== undefined && (stat.type & vscode.FileType.File) !== 0 && stat.size > 0;
}
