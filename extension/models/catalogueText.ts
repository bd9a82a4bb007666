import * as vscode from 'vscode';
import { type CatalogueEntry, knownBytes } from '../../engine/download/catalogue.ts';
import { sizeText } from './figures.ts';

/** Size, licence and source of a model that can be downloaded, for a line of a picker. */
export function catalogueText(entry: CatalogueEntry): { description: string; detail: string } {
  const { t } = vscode.l10n;
  const bytes = knownBytes(entry);
  const source = entry.kind === 'wheel' ? t('Python package {0}', entry.package) : entry.repository;
  return {
    description: [...(bytes === null ? [] : [sizeText(bytes)]), entry.licence].join(' · '),
    detail: [source, ...(entry.gated ? [t('needs a token')] : [])].join(' · '),
  };
}
