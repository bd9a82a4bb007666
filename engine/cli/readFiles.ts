import { readFile } from 'node:fs/promises';
import { BadRequest } from '../errors.ts';

/** Content of a text file that the user names. Rejects with BadRequest. */
export async function readTextFile(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new BadRequest(`${path} cannot be read (${error.code}).`);
  });
}

/** Parsed content of a JSON file that the user names. Rejects with BadRequest. */
export async function readJsonFile(path: string): Promise<unknown> {
  const text = await readTextFile(path);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new BadRequest(`${path} is not valid JSON.`);
  }
}

/** VS Code's language identifiers by file extension. All other files are plain text. */
export const LANGUAGE_IDS: Readonly<Record<string, string>> = {
  '.ts': 'typescript',
  '.tsx': 'typescriptreact',
  '.js': 'javascript',
  '.mjs': 'javascript',
  '.cjs': 'javascript',
  '.jsx': 'javascriptreact',
  '.py': 'python',
  '.rs': 'rust',
  '.go': 'go',
  '.java': 'java',
  '.c': 'c',
  '.h': 'c',
  '.cc': 'cpp',
  '.cpp': 'cpp',
  '.cs': 'csharp',
  '.html': 'html',
  '.css': 'css',
  '.json': 'json',
  '.md': 'markdown',
  '.yml': 'yaml',
  '.yaml': 'yaml',
  '.sh': 'shellscript',
};
