/** Names of an attachment in the input: a short label, and a longer one for the tooltip and screen readers. */
import * as vscode from 'vscode';
import type { Chip } from '../../../webview/protocol.ts';
import type { Attachment } from './attachment.ts';
import { MOST_CHARACTERS } from '../../reading/instructionFiles.ts';
import { oneLine } from '../../reading/plainText.ts';
import { baseName, nameOf } from '../../reading/vscode/textOf.ts';

export type ChipText = Omit<Chip, 'id' | 'tokens' | 'cut'>;

export function chipOf(attachment: Attachment): ChipText {
  const { t } = vscode.l10n;
  const { kind } = attachment;
  switch (kind) {
    case 'file':
    case 'folder': {
      const uri = vscode.Uri.parse(attachment.uri);
      const label = kind === 'folder' ? `${baseName(uri)}/` : baseName(uri);
      // A folder has no text to open.
      return { kind, label, detail: nameOf(uri), ...(kind === 'file' && { uri: attachment.uri, line: 1 }) };
    }
    case 'instructions': {
      const name = nameOf(vscode.Uri.parse(attachment.uri));
      const detail = t('Instructions of the project: {0}, at most {1} characters', name, MOST_CHARACTERS);
      return { kind, label: name, detail, uri: attachment.uri, line: 1 };
    }
    case 'selection':
    case 'symbol':
      return linesChip(attachment);
    case 'problems':
      return problemsChip(attachment);
    case 'terminal':
      return { kind, label: t('Terminal'), detail: t('Terminal ({0} lines)', attachment.text.split('\n').length) };
    case 'changes':
      return attachment.staged
        ? { kind, label: t('Staged changes'), detail: t('Changes staged for the next commit') }
        : { kind, label: t('Changes'), detail: t('All changes since the last commit') };
    case 'project':
      return { kind, label: t('Project'), detail: t('Parts of the project that match the question') };
    case 'picture': {
      const { hash, name, width, height, mostCrops } = attachment;
      const detail = t('{0}, {1} × {2} pixels', name, width, height);
      const chosen = mostCrops === undefined ? {} : { mostCrops };
      return { kind, label: name, detail, picture: { hash, width, height, costs: [], ...chosen } };
    }
  }
}

type Lines = Extract<Attachment, { kind: 'selection' | 'symbol' }>;

function linesChip(attachment: Lines): ChipText {
  const { kind, uri, firstLine, lastLine } = attachment;
  const parsed = vscode.Uri.parse(uri);
  const lines = firstLine === lastLine ? `${firstLine}` : `${firstLine}-${lastLine}`;
  const label = kind === 'symbol' ? oneLine(attachment.name) : `${baseName(parsed)}:${lines}`;
  const name = nameOf(parsed);
  const detail =
    firstLine === lastLine
      ? vscode.l10n.t('{0}, line {1}', name, firstLine)
      : vscode.l10n.t('{0}, lines {1} to {2}', name, firstLine, lastLine);
  return { kind, label, detail, uri, line: firstLine };
}

function problemsChip({ kind, uri, line }: Extract<Attachment, { kind: 'problems' }>): ChipText {
  const { t } = vscode.l10n;
  if (uri === undefined) return { kind, label: t('Problems'), detail: t('Problems in the workspace') };
  const parsed = vscode.Uri.parse(uri);
  const [file, name] = [baseName(parsed), nameOf(parsed)];
  if (line === undefined) return { kind, label: t('Problems: {0}', file), detail: t('Problems in {0}', name), uri };
  const label = t('Problems: {0}', `${file}:${line}`);
  return { kind, label, detail: t('Problems on line {0} of {1}', line, name), uri, line };
}
