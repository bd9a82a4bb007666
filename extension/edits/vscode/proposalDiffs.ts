/** Proposals in front of the user: each is a diff editor between a file and the text that it would have. */
import * as vscode from 'vscode';
import { nameOf } from '../../reading/vscode/textOf.ts';
import type { Place } from '../placing/locate.ts';
import { type Locate, Proposal } from '../proposal.ts';
import type { TextEdit } from '../textEdits.ts';
import { confirmRunner } from './confirmRunner.ts';
import { refusal } from './refusal.ts';

export const PROPOSAL_SCHEME = 'airgap-proposal';

interface OpenProposal {
  readonly uri: vscode.Uri;
  readonly proposal: Proposal;
}

export class ProposalDiffs implements vscode.Disposable, vscode.TextDocumentContentProvider {
  /** By the URI of the diff editor's right side; a file has one proposal at most. */
  readonly #open = new Map<string, OpenProposal>();
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
    return this.#open.get(uri.toString())?.proposal.after ?? '';
  }

  /** Shows one change. Returns a sentence that says why it cannot, or nothing. */
  async show(document: vscode.TextDocument, place: Place, locate: Locate): Promise<string> {
    const eol = document.eol === vscode.EndOfLine.CRLF ? '\r\n' : '\n';
    const proposal = new Proposal({ text: document.getText(), eol }, place, locate);
    if (proposal.changesNothing) return vscode.l10n.t('{0} already contains this change.', nameOf(document.uri));
    const refused = await refusal(document);
    if (refused) return refused;
    const { uri } = document;
    const right = vscode.Uri.from({ scheme: PROPOSAL_SCHEME, path: uri.path, query: uri.toString() });
    this.#open.set(right.toString(), { uri, proposal });
    this.#changed.fire(right);
    this.#showState();
    const title = vscode.l10n.t('{0} (proposed change)', nameOf(uri));
    await vscode.commands.executeCommand('vscode.diff', uri, right, title, {
      selection: new vscode.Range(place.line - 1, 0, place.line - 1, 0),
    });
    return '';
  }

  /** Makes the change of the active diff editor, or the only one; the file is not saved. */
  async apply(): Promise<string> {
    const key = this.#current();
    const open = this.#open.get(key);
    if (!open) return '';
    const document = await vscode.workspace.openTextDocument(open.uri);
    const refused = await refusal(document);
    if (refused) return refused;
    if (!(await confirmRunner(open.uri, open.proposal.before, open.proposal.after))) return '';
    const edits = open.proposal.editsTo(document.getText());
    if (!edits) return this.#showAgain(key, document, open.proposal.locate);
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

  /** The file changed since the user saw the diff, so the user must see what would happen now. */
  async #showAgain(key: string, document: vscode.TextDocument, locate: Locate): Promise<string> {
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

/** The only place, or the one that the user picks; undefined if the user cancels. */
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

function workspaceEdit(document: vscode.TextDocument, edits: readonly TextEdit[]): vscode.WorkspaceEdit {
  const edit = new vscode.WorkspaceEdit();
  for (const { start, end, text } of edits) {
    edit.replace(document.uri, new vscode.Range(document.positionAt(start), document.positionAt(end)), text);
  }
  return edit;
}

function proposalOf(tab: vscode.Tab | undefined): string | undefined {
  const input = tab?.input;
  if (!(input instanceof vscode.TabInputTextDiff)) return undefined;
  return input.modified.scheme === PROPOSAL_SCHEME ? input.modified.toString() : undefined;
}
