import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { mulberry32 } from '../../../engine/inference/random.ts';

/** Parts of texts that tokenizers have taken apart in different ways. */
const ODD = [
  ...[' ', '  ', '    ', '\t', '\n', '\r\n', '\r', '\u0085', '\u00a0', '\ufeff', '\u3000', '\u2028', '\u200b', '\0', '\u007f'],
  ...['a', 'B', 'the', 'The', '\u00e9', 'e\u0301', '\u0301', '\u00df', '\u017f', '\u212a', '\u0130', '\u01c4', '\u01c5', '\u02b0'],
  ...['\u6f22\u5b57', '\u304b\u306a', '\ud55c\uad6d', '\u0928\u093e', '\u0e01\u0e47', '\u05d0', '\u0645', '\u{1f600}', '\u{1f1e9}\u{1f1ea}'],
  ...['\u{1f469}\u200d\u{1f4bb}', '\u0661\u0662', '\u00b2', '\u00bd', '\u2167', '1', '23', '4567', '_', '-', '//', '(', '};', '$', '+', '^'],
  ...["'s", "'S", "'ll", "don't", '...', '<', '>', '<s>', '<|im_end|>', '\u2581', 'foo_bar', 'HTTPServer', 'return', '    return'],
]; // prettier-ignore

const FOLDERS = ['engine', 'extension', 'kernels', 'webview', 'test', '.ci'];

/**
 * Code and prose: this repository's own files, up to about `bytes`, each whole file and short texts of odd characters. The
 * same for the same state of the repository.
 */
export function corpus(bytes: number): string[] {
  const texts: string[] = [];
  let size = 0;
  for (const path of ['README.md', 'ARCHITECTURE.md', ...FOLDERS.flatMap(textFiles)]) {
    if (size > bytes) break;
    const text = readFileSync(path, 'utf8');
    if (text.length > 100_000) continue;
    texts.push(text);
    size += Buffer.byteLength(text);
  }
  const random = mulberry32(5);
  for (let i = 0; i < 4000; i++) {
    const length = 1 + Math.floor(random() * 14);
    texts.push(Array.from({ length }, () => ODD[Math.floor(random() * ODD.length)]!).join(''));
  }
  return texts;
}

function textFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(ts|mjs|py|md|wgsl|css|json)$/.test(name) && !/golden|node_modules/.test(name))
    .sort()
    .map((name) => join(folder, name));
}
