/** The Models view: each model of this computer with its facts, and a place to drop files and folders. */
import * as vscode from 'vscode';
import type { ListedModel } from '../../engine/wire/models.ts';
import type { ModelList } from './modelList.ts';
import { facts, kindText, placeText, purposesText } from './modelTexts.ts';
import { type UseModelHost, useOf } from './useModel.ts';

const VIEW = 'airgap.models';
const URI_LIST = 'text/uri-list';

export type Row =
  | { readonly kind: 'model'; readonly model: ListedModel }
  | { readonly kind: 'elsewhere' }
  | { readonly kind: 'fact'; readonly name: string; readonly value: string; readonly model: ListedModel };

export interface ModelsViewHost extends UseModelHost {
  readonly list: ModelList;
  /** Imports what was dropped; tells the user about failures itself. */
  importPath(path: string): Promise<void>;
}

export class ModelsView
  implements vscode.TreeDataProvider<Row>, vscode.TreeDragAndDropController<Row>, vscode.Disposable
{
  readonly dropMimeTypes = [URI_LIST];
  readonly dragMimeTypes = [];
  readonly #host: ModelsViewHost;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #view: vscode.TreeView<Row>;
  readonly #subscriptions: { dispose(): void }[];

  constructor(host: ModelsViewHost) {
    this.#host = host;
    const { list, engine, server } = host;
    this.#view = vscode.window.createTreeView(VIEW, { treeDataProvider: this, dragAndDropController: this });
    const draw = (): void => this.#draw();
    this.#subscriptions = [
      this.#view,
      this.#changed,
      list.onDidChange(draw),
      server.onDidChange(draw),
      engine.completionModel.onDidChangeState(({ kind }) => kind !== 'loading' && draw()),
      engine.chatModel.onDidChangeState(({ kind }) => kind !== 'loading' && draw()),
      // Other windows and the terminal change the store too.
      this.#view.onDidChangeVisibility(({ visible }) => visible && void list.refresh()),
    ];
    if (this.#view.visible) void list.refresh();
  }

  get onDidChangeTreeData(): vscode.Event<void> {
    return this.#changed.event;
  }

  /** Whether somebody sees it, so that a change is worth a new listing. */
  get visible(): boolean {
    return this.#view.visible;
  }

  getChildren(row?: Row): Row[] {
    const { own, elsewhere } = this.#host.list;
    const rows = (models: readonly ListedModel[]): Row[] => models.map((model) => ({ kind: 'model', model }));
    switch (row?.kind) {
      case undefined:
        return own ? [...rows(own), ...(elsewhere ? [{ kind: 'elsewhere' } as const] : [])] : [];
      case 'elsewhere':
        return rows(elsewhere ?? []);
      case 'model':
        return facts(row.model, useOf(this.#host, row.model)).map(([name, value]) => ({
          ...{ kind: 'fact', name, value, model: row.model },
        }));
      case 'fact':
        return [];
    }
  }

  getTreeItem(row: Row): vscode.TreeItem {
    switch (row.kind) {
      case 'model':
        return this.#modelItem(row.model);
      case 'elsewhere': {
        const { elsewhere = [] } = this.#host.list;
        const item = new vscode.TreeItem(
          vscode.l10n.t('Kept by other programs'),
          elsewhere.length > 0 ? vscode.TreeItemCollapsibleState.Expanded : vscode.TreeItemCollapsibleState.None,
        );
        item.id = 'elsewhere';
        item.description = elsewhere.length > 0 ? String(elsewhere.length) : vscode.l10n.t('none');
        return item;
      }
      case 'fact': {
        const item = new vscode.TreeItem(row.name);
        item.id = `${row.model.place} ${row.model.path} ${row.name}`;
        item.description = row.value;
        item.tooltip = row.value;
        item.accessibilityInformation = { label: `${row.name}: ${row.value}` };
        return item;
      }
    }
  }

  /** Imports one after the other: each has a progress of its own. */
  async handleDrop(_target: Row | undefined, dropped: vscode.DataTransfer): Promise<void> {
    const text = (await dropped.get(URI_LIST)?.asString()) ?? '';
    const uris = text
      .split(/\r?\n/)
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => vscode.Uri.parse(line));
    // Files that a browser holds have no path on the machine of the engine.
    for (const uri of uris) if (/^(file|vscode-remote)$/.test(uri.scheme)) await this.#host.importPath(uri.fsPath);
  }

  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.dispose();
  }

  #draw(): void {
    const { t } = vscode.l10n;
    const { own, elsewhere = [], problem } = this.#host.list;
    void vscode.commands.executeCommand('setContext', 'airgap.modelsFailed', problem !== undefined);
    const onlyBundled = elsewhere.length === 0 && own?.every(({ place }) => place === 'bundled');
    this.#view.message =
      problem ?? (onlyBundled ? t('Only small models are here. Choose, import, or download a larger one.') : '');
    this.#changed.fire();
  }

  #modelItem(model: ListedModel): vscode.TreeItem {
    const { t } = vscode.l10n;
    const use = useOf(this.#host, model);
    const item = new vscode.TreeItem(model.name, vscode.TreeItemCollapsibleState.Collapsed);
    item.id = `${model.place} ${model.path}`;
    const used = use.purposes.length > 0 ? [purposesText(use.purposes)] : [];
    item.description = [kindText(model), placeText(model.place), ...used].join(' · ');
    item.iconPath = new vscode.ThemeIcon(iconOf(model, use.purposes.length > 0));
    item.tooltip = tooltipOf(facts(model, use));
    item.contextValue = [
      'model',
      ...(model.problem === null ? ['runs'] : []),
      ...(model.chat ? ['chats'] : []),
      ...(model.place === 'store' ? ['stored'] : []),
    ].join(' ');
    const problem = model.problem === null ? '' : ` ${t('It cannot run here: {0}', model.problem)}`;
    item.accessibilityInformation = { label: `${model.name}, ${item.description}.${problem}` };
    return item;
  }
}

function iconOf({ problem, hash }: ListedModel, used: boolean): string {
  if (problem !== null) return 'circle-slash';
  if (hash === 'changed') return 'warning';
  return used ? 'check' : 'package';
}

/** What comes from a model's files is text, never a link. */
function tooltipOf(rows: readonly [name: string, value: string][]): vscode.MarkdownString {
  const text = new vscode.MarkdownString();
  for (const [name, value] of rows) text.appendText(`${name}: ${value}\n\n`);
  return text;
}
