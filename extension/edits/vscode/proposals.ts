/** Changes that wait for the user's word: each is a diff editor between a file and the text that it would have. */
import * as vscode from 'vscode';
import { nameOf } from '../../reading/vscode/textOf.ts';
import type { Place } from '../placing/locate.ts';
import { textEdits } from '../textEdits.ts';

export const PROPOSAL_SCHEME = 'airgap-proposal';

/** Finds the change in a text: once more where the file changes before the user has decided. */
export type Locate = (text: string) => Place[];

interface Proposal {
  readonly document: vscode.TextDocument;
  readonly locate: Locate;
  /** The file's text when the diff was made, and what it would become; both with the file's line ends. */
  readonly before: string;
  readonly after: string;
}

export class Proposals implements vscode.Disposable, vscode.TextDocumentContentProvider {
  /** By the address of the right side of its diff editor; a file has one at most. */
  readonly #open = new Map<string, Proposal>();
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.#changed.event;
  readonly #subscriptions: vscode.Disposable[] = [
    this.#changed,
    vscode.workspace.registerTextDocumentContentProvider(PROPOSAL_SCHEME, this),
    vscode.window.tabGroups.onDidChangeTabs(({ closed }) => {
      for (const tab of closed) this.#forget(proposalOf(tab));
    }),
  ];

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.#open.get(uri.toString())?.after ?? '';
  }

  /** Shows one change. The sentence says why it cannot; empty where it does. */
  async show(document: vscode.TextDocument, place: Place, locate: Locate): Promise<string> {
    const before = document.getText();
    const after = withEnds(place.text, document);
    if (after === before) return vscode.l10n.t('{0} already contains this change.', nameOf(document.uri));
    const refused = await refusal(document);
    if (refused) return refused;
    const { uri } = document;
    const right = vscode.Uri.from({ scheme: PROPOSAL_SCHEME, path: uri.path, query: uri.toString() });
    this.#open.set(right.toString(), { document, locate, before, after });
    this.#changed.fire(right);
    this.#showState();
    const title = vscode.l10n.t('{0} (proposed change)', nameOf(uri));
    await vscode.commands.executeCommand('vscode.diff', uri, right, title, {
      selection: new vscode.Range(place.line - 1, 0, place.line - 1, 0),
    });
    return '';
  }

  /** The change in the active diff editor, or the only one, is made; nothing is saved. */
  async apply(): Promise<string> {
    const key = this.#current();
    const proposal = this.#open.get(key);
    if (!proposal) return '';
    const document = await vscode.workspace.openTextDocument(proposal.document.uri);
    const refused = await refusal(document);
    if (refused) return refused;
    if (document.getText() !== proposal.before) return this.#showAnew(key, document, proposal.locate);
    const edits = textEdits(proposal.before, proposal.after);
    if (!(await vscode.workspace.applyEdit(workspaceEdit(document, edits)))) {
      return vscode.l10n.t('{0} could not be changed.', nameOf(document.uri));
    }
    await this.#close(key);
    const at = document.positionAt(edits[0]?.start ?? 0);
    await vscode.window.showTextDocument(document, { selection: new vscode.Range(at, at), preview: false });
    return '';
  }

  async discard(): Promise<void> {
    await this.#close(this.#current());
  }

  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.dispose();
  }

  /** What the user saw is not what would happen, so the user sees it again. */
  async #showAnew(key: string, document: vscode.TextDocument, locate: Locate): Promise<string> {
    const name = nameOf(document.uri);
    const place = await choosePlace(document, locate(document.getText()));
    if (place === 'none') {
      await this.#close(key);
      return vscode.l10n.t('{0} has been modified, and the code that this change replaces no longer exists.', name);
    }
    if (!place) return '';
    const problem = await this.show(document, place, locate);
    if (problem) await this.#close(key);
    return problem || vscode.l10n.t('{0} has been modified. Review the change again.', name);
  }

  #current(): string {
    const active = proposalOf(vscode.window.tabGroups.activeTabGroup.activeTab);
    if (active && this.#open.has(active)) return active;
    return this.#open.size === 1 ? [...this.#open.keys()][0]! : '';
  }

  async #close(key: string): Promise<void> {
    this.#forget(key);
    const tabs = vscode.window.tabGroups.all.flatMap(({ tabs }) => tabs).filter((tab) => proposalOf(tab) === key);
    if (tabs.length > 0) await vscode.window.tabGroups.close(tabs);
  }

  #forget(key: string | undefined): void {
    if (key !== undefined && this.#open.delete(key)) this.#showState();
  }

  #showState(): void {
    void vscode.commands.executeCommand('setContext', 'airgap.proposal', this.#open.size > 0);
  }
}

/** The only place, or the one that the user picks; undefined where the user picks none. */
export async function choosePlace(
  document: vscode.TextDocument,
  places: readonly Place[],
): Promise<Place | 'none' | undefined> {
  if (places.length <= 1) return places[0] ?? 'none';
  const items = places.map((place) => ({
    label: vscode.l10n.t('Line {0}', place.line),
    description: [place.label, membersText(place)].filter(Boolean).join(' · '),
    place,
  }));
  const title = vscode.l10n.t('Select where to apply the change in {0}', nameOf(document.uri));
  return (await vscode.window.showQuickPick(items, { title, matchOnDescription: true }))?.place;
}

function membersText({ members }: Place): string {
  if (members === undefined) return '';
  return members === 'kept'
    ? vscode.l10n.t('keep members missing from the code')
    : vscode.l10n.t('remove members missing from the code');
}

/** Why a document may not be changed; empty where it may. */
export async function refusal({ uri }: vscode.TextDocument): Promise<string> {
  if (!vscode.workspace.isTrusted) return vscode.l10n.t('Changes can only be applied in a trusted workspace.');
  if (uri.scheme === 'untitled') return '';
  const readonly = vscode.l10n.t('{0} is read-only.', nameOf(uri));
  if (vscode.workspace.fs.isWritableFileSystem(uri.scheme) === false) return readonly;
  try {
    const { permissions = 0 } = await vscode.workspace.fs.stat(uri);
    return permissions & vscode.FilePermission.Readonly ? readonly : '';
  } catch {
    return vscode.l10n.t('{0} no longer exists.', nameOf(uri));
  }
}

function workspaceEdit(document: vscode.TextDocument, edits: ReturnType<typeof textEdits>): vscode.WorkspaceEdit {
  const edit = new vscode.WorkspaceEdit();
  for (const { start, end, text } of edits) {
    edit.replace(document.uri, new vscode.Range(document.positionAt(start), document.positionAt(end)), text);
  }
  return edit;
}

function withEnds(text: string, document: vscode.TextDocument): string {
  return document.eol === vscode.EndOfLine.CRLF ? text.replaceAll('\n', '\r\n') : text;
}

function proposalOf(tab: vscode.Tab | undefined): string | undefined {
  const input = tab?.input;
  if (!(input instanceof vscode.TabInputTextDiff)) return undefined;
  return input.modified.scheme === PROPOSAL_SCHEME ? input.modified.toString() : undefined;
}
