/** What the bundled starter model completes with plain arithmetic in f64 (kernels/reference). A test computes them anew. */
import type { CompleteParams } from '../../engine/wire/protocol.ts';

export interface Golden {
  readonly params: Omit<CompleteParams, 'modelId' | 'sessionId'>;
  readonly text: string;
}

const golden = (fileName: string, languageId: string, prefix: string, text: string): Golden => ({
  params: { fileName, languageId, prefix, suffix: '', maxTokens: 12, multiline: 'never' },
  text,
});

export const GOLDENS: readonly Golden[] = [
  golden('a.js', 'javascript', 'const items = [3, 1, 2];\nfor (let i = 0; i < items.length; ', 'i++) {'),
  golden('b.py', 'python', 'def add(first, second):\n    return first ', '+ second'),
  golden('d.py', 'python', 'if __name__ == ', '"__main__":'),
];
