import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Parser } from '@vscode/tree-sitter-wasm';

/** Loads tree-sitter and a grammar from `folder`, which holds tree-sitter.wasm and the grammars. */
export async function loadParser(folder: string, grammar: string): Promise<Parser> {
  // Most windows never need it.
  const { Parser, Language } = (await import('@vscode/tree-sitter-wasm')).default;
  initialised ??= Parser.init({ locateFile: (file) => join(folder, file) });
  await initialised;
  const language = await Language.load(await readFile(join(folder, `tree-sitter-${grammar}.wasm`)));
  return new Parser().setLanguage(language);
}

/** The library is initialised once per thread, because its memory belongs to the module. */
let initialised: Promise<void> | undefined;
