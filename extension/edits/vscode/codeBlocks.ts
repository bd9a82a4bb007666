/** The buttons of a code block. They run no code and write no file: they change documents, and the user saves. */
import * as vscode from 'vscode';
import type { CodeAction } from '../../../webview/protocol.ts';
import { inform } from '../../common/notice.ts';
import { nameOf } from '../../reading/vscode/textOf.ts';
import { insertionText } from '../placing/insertion.ts';
import { type CodeBlock, locate, newText, type Place, replaceAll } from '../placing/locate.ts';
import { filesOf } from '../placing/patch.ts';
import { fittingFiles, type Locate } from '../proposal.ts';
import { existingTargets, isInside, newTargets } from '../targets.ts';
import { terminalLine } from '../terminalLine.ts';
import { newFile } from './newFile.ts';
import { choosePlace, PROPOSAL_SCHEME, ProposalDiffs } from './proposalDiffs.ts';
import { proposeWholeFile } from './wholeFile.ts';
import { targetOf, uriOf, workspaceProject, type WorkspaceTarget } from './workspaceProject.ts';

/** `language` and `path` are empty if the answer does not name them. */
export interface BlockRequest extends Required<CodeBlock> {
  readonly action: CodeAction;
}

export class CodeBlocks implements vscode.Disposable {
  readonly #proposals = new ProposalDiffs();

  /**
   * Does what the button says, or returns a sentence that tells the user why it cannot. `sources` are the URIs of the
   * files that the model was given.
   */
  async run(block: BlockRequest, sources: readonly string[] = []): Promise<string> {
    if (['apply', 'newFile'].includes(block.action) && !vscode.workspace.isTrusted)
      return vscode.l10n.t('Changes can only be applied in a trusted workspace.');
    switch (block.action) {
      case 'copy':
        await vscode.env.clipboard.writeText(block.code);
        return '';
      case 'insert':
      case 'replace':
        return this.#insert(block);
      case 'newFile':
        return newFile(block);
      case 'apply':
        return this.#apply(block, sources);
      case 'terminal':
        return insertIntoTerminal(block.code);
    }
  }

  /** Shows a change that comes from elsewhere in the same diff editor, with the same commands. */
  propose(document: vscode.TextDocument, place: Place, locate: Locate): Promise<string> {
    return this.#proposals.show(document, place, locate);
  }

  /** Shows code as the whole text of a file, new or not, in the same diff editor. */
  proposeFile(path: string, code: string): Promise<string> {
    return proposeWholeFile(path, code, this.#proposals);
  }

  /** The command of the diff editor's title bar. */
  async applyChanges(): Promise<void> {
    const sentence = await this.#proposals.apply();
    if (sentence) inform(sentence);
  }

  async discardChanges(): Promise<void> {
    await this.#proposals.discard();
  }

  dispose(): void {
    this.#proposals.dispose();
  }

  async #insert({ action, code }: BlockRequest): Promise<string> {
    const editor = currentEditor();
    if (!editor) return vscode.l10n.t('Open a file first. The code is inserted at the cursor.');
    const { selection, document, options } = editor;
    if (action === 'replace' && selection.isEmpty)
      return vscode.l10n.t('Nothing is selected in {0}.', nameOf(document.uri));
    const range = action === 'replace' ? selection : new vscode.Range(selection.active, selection.active);
    const width = Number(options.indentSize ?? options.tabSize) || 4;
    const text = insertionText(code, {
      before: document.getText(new vscode.Range(new vscode.Position(range.start.line, 0), range.start)),
      wholeLines: range.end.line > range.start.line && range.end.character === 0,
      unit: options.insertSpaces === false ? '\t' : ' '.repeat(width),
      eol: document.eol === vscode.EndOfLine.CRLF ? '\r\n' : '\n',
    });
    const done = await editor.edit((edit) => edit.replace(range, text));
    if (!done) return vscode.l10n.t('{0} could not be changed.', nameOf(document.uri));
    await vscode.window.showTextDocument(document, { viewColumn: editor.viewColumn ?? vscode.ViewColumn.One });
    return '';
  }

  async #apply(block: BlockRequest, sources: readonly string[]): Promise<string> {
    const files = filesOf(block);
    if (files.length > 1) {
      const title = vscode.l10n.t('The diff changes several files. Which one do you want to see?');
      const path = await vscode.window.showQuickPick(files, { title });
      return path === undefined ? '' : this.#apply({ ...block, path }, sources);
    }
    const target = await this.#target(block, sources);
    // A whole new file; a block that is a part of one belongs to a file that is not here.
    if (target === 'new') {
      const isPart = newText(block) === undefined;
      return isPart ? vscode.l10n.t('{0} does not exist in this workspace.', block.path) : newFile(block);
    }
    if (typeof target !== 'object') return target ?? '';
    const name = nameOf(target.uri);
    const find = (text: string) => locate(text, block, name);
    const place = await choosePlace(target, find(target.getText()));
    if (place === 'none') return this.#withoutPlace(block, target);
    return place ? this.#proposals.show(target, place, find) : '';
  }

  /** The document to change, 'new', a sentence that says why there is none, or undefined if the user cancels. */
  async #target(block: BlockRequest, sources: readonly string[]): Promise<vscode.TextDocument | string | undefined> {
    if (block.path !== '') {
      const project = workspaceProject();
      const targets = await existingTargets(block.path, project);
      if (targets.length === 0) return unsaved(await newTargets(block.path, project)) ?? 'new';
      return pickDocument(await Promise.all(targets.map((target) => openDocument(uriOf(target)))));
    }
    const editor = currentEditor();
    const uris = new Map<string, vscode.Uri>();
    for (const uri of [
      ...(editor ? [editor.document.uri] : []),
      ...sources.map((source) => vscode.Uri.parse(source)),
    ]) {
      const target = targetOf(uri);
      if (uri.scheme === 'untitled' || (target && (await isInside(target)))) uris.set(uri.toString(), uri);
    }
    if (uris.size === 0) return vscode.l10n.t('Open the workspace file that this change is for.');
    const opened = await Promise.all([...uris.values()].map((uri) => openDocument(uri).catch(() => undefined)));
    const documents = opened.filter((document) => document !== undefined);
    return pickDocument(fittingFiles(documents, (each) => locate(each.getText(), block, nameOf(each.uri))));
  }

  /** Nothing in the file resembles the code, so only the user knows where it goes. */
  async #withoutPlace(block: BlockRequest, document: vscode.TextDocument): Promise<string> {
    const { t } = vscode.l10n;
    const insert = { label: t('Insert at cursor') };
    const replace = { label: t('Replace the whole file') };
    const title = t('No matching code was found in {0}.', nameOf(document.uri));
    const picked = await vscode.window.showQuickPick([insert, replace], { title });
    if (picked === insert) {
      await vscode.window.showTextDocument(document);
      return this.#insert({ ...block, action: 'insert' });
    }
    if (picked !== replace) return '';
    const whole = (text: string) => [{ line: 1, label: '', text: replaceAll(text, block) }];
    return this.#proposals.show(document, whole(document.getText())[0]!, whole);
  }
}

/** The editor that the user was in last, even while the chat has the focus. */
function currentEditor(): vscode.TextEditor | undefined {
  const usable = ({ document }: vscode.TextEditor): boolean =>
    ![PROPOSAL_SCHEME, 'output', 'comment'].includes(document.uri.scheme);
  const { activeTextEditor, visibleTextEditors } = vscode.window;
  return activeTextEditor && usable(activeTextEditor) ? activeTextEditor : visibleTextEditors.find(usable);
}

/** The document of a new file that is yet to be saved. */
function unsaved(targets: readonly WorkspaceTarget[]): vscode.TextDocument | undefined {
  const paths = new Set(targets.map(({ path }) => path));
  return vscode.workspace.textDocuments.find(({ isUntitled, uri }) => isUntitled && paths.has(uri.path));
}

async function openDocument(uri: vscode.Uri): Promise<vscode.TextDocument> {
  return vscode.workspace.openTextDocument(uri);
}

async function pickDocument(documents: readonly vscode.TextDocument[]): Promise<vscode.TextDocument | undefined> {
  if (documents.length <= 1) return documents[0];
  const items = documents.map((document) => ({ label: nameOf(document.uri), document }));
  const title = vscode.l10n.t('Select the file to change');
  return (await vscode.window.showQuickPick(items, { title }))?.document;
}

/** Types the command at the prompt; the user runs it. */
function insertIntoTerminal(code: string): string {
  const line = terminalLine(code);
  if (line === undefined) return vscode.l10n.t('Only a single command can be inserted into the terminal.');
  const terminal = vscode.window.activeTerminal ?? vscode.window.createTerminal();
  terminal.show();
  terminal.sendText(line, false);
  return '';
}
