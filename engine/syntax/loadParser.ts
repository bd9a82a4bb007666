import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import treeSitter, { type Parser } from '@vscode/tree-sitter-wasm';

/** Loads tree-sitter and a grammar from `folder`, which holds tree-sitter.wasm and the grammars. */
export async function loadParser(folder: string, grammar: string): Promise<Parser> {
  const { Parser, Language } = treeSitter;
  initialised ??= Parser.init({ locateFile: (file) => join(folder, file) });
  await initialised;
  const language = await Language.load(await readFile(join(folder, `tree-sitter-${grammar}.wasm`)));
  return new Parser().setLanguage(language);
}

/** The library is initialised once per thread, because its memory belongs to the module. */
let initialised: Promise<void> | undefined;
