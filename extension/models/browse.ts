/** The system's dialog for a model's file or folder. */
import { homedir } from 'node:os';
import { dirname } from 'node:path';
import * as vscode from 'vscode';

/** Begins where `near` lies, if it is not empty. No dialog of Linux and Windows selects files and folders alike. */
export async function browse(what: 'file' | 'folder', near: string): Promise<string | undefined> {
  const { t } = vscode.l10n;
  const isFile = what === 'file';
  const picked = await vscode.window.showOpenDialog({
    canSelectFiles: isFile,
    canSelectFolders: !isFile,
    defaultUri: vscode.Uri.file(near ? dirname(near) : homedir()),
    ...(isFile ? { filters: { GGUF: ['gguf'] } } : {}),
    title: isFile
      ? t('Select a model file (.gguf)')
      : t('Select a model folder (config.json, tokenizer.json, *.safetensors)'),
  });
  return picked?.[0]?.fsPath;
}
