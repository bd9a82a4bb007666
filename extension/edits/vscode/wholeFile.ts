/** Code that becomes a whole file of the workspace, new or not, through the diff editor. */
import * as vscode from 'vscode';
import { isSavedElsewhere } from '../../files/vscode/savedElsewhere.ts';
import { nameOf } from '../../reading/vscode/textOf.ts';
import type { Place } from '../placing/locate.ts';
import { exists, newTargets } from '../targets.ts';
import { pickTarget } from './newFile.ts';
import type { ProposalDiffs } from './proposalDiffs.ts';
import { uriOf, workspaceProject } from './workspaceProject.ts';

/** Shows the change; only the user's click makes it, and the user saves. Returns a sentence if it cannot, or nothing. */
export async function proposeWholeFile(
  path: string,
  code: string,
  proposals: Pick<ProposalDiffs, 'show'>,
): Promise<string> {
  const { t } = vscode.l10n;
  if (!vscode.workspace.isTrusted) return t('Changes can only be applied in a trusted workspace.');
  const project = workspaceProject();
  if (project.roots.length === 0) return t('Open a folder first.');
  const places = await newTargets(path, project);
  if (places.length === 0) return t('{0} is outside this workspace.', path);
  const target = await pickTarget(places);
  if (!target) return '';
  const uri = uriOf(target);
  const isNew = !(await exists(target));
  if (isNew && isSavedElsewhere(uri)) {
    return t('{0} does not exist, and the file system of its folder shows no proposals for new files.', nameOf(uri));
  }
  const document = await vscode.workspace.openTextDocument(isNew ? uri.with({ scheme: 'untitled' }) : uri);
  const whole = (): Place[] => [{ line: 1, label: '', text: code }];
  return proposals.show(document, whole()[0]!, whole);
}
