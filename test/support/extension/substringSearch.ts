/** What an editor's own search would find, to compare the project's index with. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { nodeFileSystem } from '../../../extension/files/nodeFileSystem.ts';
import { FileAnalyser } from '../../../extension/retrieval/fileAnalyser.ts';

const GRAMMARS = 'node_modules/@vscode/tree-sitter-wasm/wasm';

export interface FoundPlace {
  readonly path: string;
  /** 1-based. */
  readonly firstLine: number;
  readonly lastLine: number;
}

const NOT_SOUGHT =
  /^(a|an|the|is|are|was|of|to|in|on|for|and|or|by|with|that|this|which|what|where|who|how|when|does|do|it|its|if|there|not|already|be|as|at|from|me|about|back|between|into|no)$/;

/** A search without an index: ranks chunks by how many of the question's words they contain, then by how often. */
export async function substringSearch(folder: string, limit: number): Promise<(question: string) => FoundPlace[]> {
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
  const analyser = new FileAnalyser(nodeFileSystem, GRAMMARS);
  const chunks = await analyser.analyse(
    paths.map((path, id) => ({ id, file: join(folder, path), path, encoding: 'utf8' })),
  );
  await analyser.dispose();
  const texts = [...chunks.files].map((id, i) => {
    const path = paths[id]!;
    const lines = readFileSync(join(folder, path), 'utf8').split('\n');
    const text = lines.slice(chunks.first[i]!, chunks.last[i]! + 1).join('\n');
    return {
      path,
      firstLine: chunks.first[i]! + 1,
      lastLine: chunks.last[i]! + 1,
      text: `${path}\n${text}`.toLowerCase(),
    };
  });
  return (question) => {
    const words = question
      .toLowerCase()
      .match(/[\w$.-]*[\w$]/g)!
      .filter((word) => !NOT_SOUGHT.test(word));
    const scored = texts.map((chunk) => {
      const counts = words.map((word) => chunk.text.split(word).length - 1);
      return { chunk, score: 1000 * counts.filter(Boolean).length + counts.reduce((a, b) => a + b, 0) };
    });
    return scored
      .sort((a, b) => b.score - a.score)
      .slice(0, limit)
      .map(({ chunk }) => chunk);
  };
}
