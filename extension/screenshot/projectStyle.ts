/** Reads how the open project writes its components: package.json and one component. */
import * as vscode from 'vscode';
import { findFiles } from '../files/vscode/findFiles.ts';
import { hiddenPatterns, isRefused, matchesAny } from '../reading/vscode/exclusions.ts';
import { nameOf, textOf } from '../reading/vscode/textOf.ts';
import { bestSample, componentEndings, languageOf } from './sample.ts';
import type { ProjectStyle } from './prompts/project.ts';

/** More candidates do not make a better sample. */
const MOST_CANDIDATES = 2000;

/** Whether the workspace may be read, and has a folder to read. */
export function mayReadProject(): boolean {
  return vscode.workspace.isTrusted && (vscode.workspace.workspaceFolders ?? []).length > 0;
}

/** Rejects with a sentence if the workspace may not be read, or has no component to learn from. */
export async function readProjectStyle(excluded: readonly string[], signal: AbortSignal): Promise<ProjectStyle> {
  if (!mayReadProject()) throw new Error(vscode.l10n.t('The project can only be read in a trusted workspace.'));
  const active = vscode.window.activeTextEditor?.document.uri;
  const [manifestUri] = await found('package.json', excluded);
  const read = async (uri: vscode.Uri) => ({ name: nameOf(uri), text: (await textOf(uri, excluded, signal)).text });
  const manifest = manifestUri && (await read(manifestUri));
  const endings = componentEndings(manifest?.text ?? '');
  const candidates = (await found(`**/*{${endings.join(',')}}`, excluded)).map((uri) => ({ uri, name: nameOf(uri) }));
  signal.throwIfAborted();
  const open = candidates.find(({ uri }) => uri.toString() === active?.toString());
  const chosen = open ?? bestSample(candidates);
  if (!chosen) {
    throw new Error(
      vscode.l10n.t('No component was found in this workspace to take the style from ({0}).', endings.join(', ')),
    );
  }
  return { manifest, sample: { ...(await read(chosen.uri)), languageId: languageOf(chosen.name) } };
}

/** Files that may be read, and that VS Code's own search would show. */
async function found(pattern: string, excluded: readonly string[]): Promise<vscode.Uri[]> {
  const hidden = hiddenPatterns();
  const exclude = '**/{node_modules,bower_components,dist,build}/**';
  const { uris } = await findFiles(pattern, { exclude, most: MOST_CANDIDATES });
  return uris.filter((uri) => !isRefused(uri, excluded) && !matchesAny(uri, hidden));
}
