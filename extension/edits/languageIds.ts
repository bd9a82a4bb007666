/** From the name that stands behind a fence to VS Code's identifier of the language. */
import * as vscode from 'vscode';

const ALIASES: Readonly<Record<string, string>> = {
  bash: 'shellscript',
  'c++': 'cpp',
  console: 'shellscript',
  cs: 'csharp',
  docker: 'dockerfile',
  golang: 'go',
  htm: 'html',
  js: 'javascript',
  jsx: 'javascriptreact',
  kt: 'kotlin',
  make: 'makefile',
  md: 'markdown',
  patch: 'diff',
  ps1: 'powershell',
  py: 'python',
  rb: 'ruby',
  rs: 'rust',
  sh: 'shellscript',
  shell: 'shellscript',
  ts: 'typescript',
  tsx: 'typescriptreact',
  yml: 'yaml',
  zsh: 'shellscript',
};

/** Plain text where VS Code knows no such language. */
export async function languageIdOf(name: string): Promise<string> {
  const lower = name.toLowerCase();
  const id = Object.hasOwn(ALIASES, lower) ? ALIASES[lower]! : lower;
  return (await vscode.languages.getLanguages()).includes(id) ? id : 'plaintext';
}
