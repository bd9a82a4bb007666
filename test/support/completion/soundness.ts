/** Whether what is shown of a model's text can stand at a place, judged by parsing the whole document anew. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { Node, Parser } from '@vscode/tree-sitter-wasm';
import { shownText } from '../../../engine/completion/completeAt.ts';
import { mulberry32 } from '../../../engine/inference/random.ts';
import { GRAMMARS } from '../../../engine/syntax/grammars.ts';
import { loadParser } from '../../../engine/syntax/loadParser.ts';
import { SyntaxErrors } from '../../../engine/syntax/syntaxErrors.ts';
import { type Cut, cutBehind, cutsOf, whyNoPlaces } from './cuts.ts';

const FOLDER = 'node_modules/@vscode/tree-sitter-wasm/wasm';

export interface Unsound {
  readonly cut: Cut;
  readonly said: string;
  readonly shown: string;
}

export interface Judged {
  readonly cuts: number;
  readonly texts: number;
  readonly shown: number;
  readonly unsound: Unsound[];
  /** Texts equal to what was taken out that are shown without the rule, and how many of them the rule cut. */
  readonly truths: number;
  readonly truthsCut: Unsound[];
}

/** `perLanguage` places in files of each language: 9 languages. */
export function describeSoundness(perLanguage: number): void {
  describe('what is shown of whatever a model writes', function () {
    this.timeout(perLanguage * 10_000);

    it('adds no error to a document, and little of what is right is cut', async function () {
      const why = whyNoPlaces();
      if (why !== undefined) {
        console.log(`      skipped: ${why}`);
        return this.skip();
      }
      const { cuts, texts, shown, unsound, truths, truthsCut } = await judge(perLanguage, 1);
      const share = ((100 * truthsCut.length) / truths).toFixed(1);
      console.log(`      ${cuts} places, ${texts} texts, ${shown} shown`);
      console.log(`      of ${truths} texts that are what stood there, the rule cut ${truthsCut.length} (${share} %)`);
      assert.deepEqual(unsound.map(described), []);
      assert.ok(truthsCut.length <= truths / 50, truthsCut.map(described).join('\n'));
    });
  });
}

function described({ cut, said, shown }: Unsound): string {
  const { path, prefix, suffix } = cut;
  return `${path}:${prefix.split('\n').length}: ${JSON.stringify([prefix.slice(-80), said, shown, suffix.slice(0, 40)])}`;
}

/** Lets models write at `perLanguage` cuts for each language: the text taken out, rubbish, and recorded texts. */
export async function judge(perLanguage: number, seed: number): Promise<Judged> {
  const syntax = new SyntaxErrors(FOLDER, assert.fail);
  const lenient = { finderFor: async () => () => [] };
  const cuts: (Cut & { said?: string })[] = cutsOf(perLanguage, seed);
  // The places of recorded texts that still stand as they did, all of them where time allows.
  for (const { before, languageId, text } of recorded.slice(0, 2 * perLanguage)) {
    const cut = cutBehind(before, languageId);
    if (cut) cuts.push({ ...cut, said: text });
  }
  const next = mulberry32(seed + 1);
  const judged = {
    cuts: cuts.length,
    texts: 0,
    shown: 0,
    unsound: [] as Unsound[],
    truths: 0,
    truthsCut: [] as Unsound[],
  };
  for (const cut of cuts) {
    const request = { ...cut, multiline: 'auto' } as const;
    for (const said of [cut.truth, rubbish(cut, next), cut.said ?? recordedText(cut, next)]) {
      const { text: shown } = await shownText(said, request, syntax);
      judged.texts++;
      if (said === cut.truth) {
        const { text: unruled } = await shownText(said, request, lenient);
        if (unruled === said.trimEnd()) {
          judged.truths++;
          if (shown !== unruled) judged.truthsCut.push({ cut, said, shown });
        }
      }
      if (shown === '') continue;
      judged.shown++;
      if (!(await isSound(cut, shown))) judged.unsound.push({ cut, said, shown });
    }
  }
  return judged;
}

interface Recorded {
  readonly languageId: string;
  readonly before: string;
  readonly text: string;
}

const recorded = ['starter', 'smollm2'].flatMap(
  (name) => JSON.parse(readFileSync(`test/fixtures/completions/${name}.json`, 'utf8')) as Recorded[],
);

/** What a model wrote in this language at another place. */
function recordedText({ languageId }: Cut, next: () => number): string {
  const texts = recorded.filter((text) => text.languageId === languageId);
  return texts[Math.floor(next() * texts.length)]!.text;
}

const PIECES =
  `( ) [ ] { } " ' \` , ; : . = => + - * / // # /* */ <b> </b> if for def class return x y 1 "a" f( g(x) {\n [\n }\n )\n \n` +
  `\n\x20\x20 \n\x20\x20\x20\x20 :\n then\n fi \\ \`\`\`\n """`;

/** Pieces of code in any order, or what was taken out with a few characters doubled, changed or left out. */
function rubbish({ truth }: Cut, next: () => number): string {
  const pick = <T>(list: ArrayLike<T>): T => list[Math.floor(next() * list.length)]!;
  const pieces = PIECES.split(' ');
  if (next() < 0.5)
    return Array.from({ length: 1 + Math.floor(next() * 12) }, () => pick(pieces)).join(pick(['', ' ']));
  let text = truth;
  for (let i = 0; i < 1 + next() * 3; i++) {
    const at = Math.floor(next() * text.length);
    text = text.slice(0, at) + pick(['', text[at]! + text[at]!, pick('()[]{}"\'`,;:'), '\n']) + text.slice(at + 1);
  }
  return text;
}

const parsers = new Map<string, Promise<Parser>>();

async function isSound(cut: Cut, shown: string): Promise<boolean> {
  const { prefix, suffix, languageId, truth } = cut;
  // What stood there is right, also where what is taken out behind it leaves a gap.
  if (truth.startsWith(shown)) return true;
  const isBehindCloser = /^[ \t]*[)\]}]/.test(suffix);
  const grammar = GRAMMARS[languageId];
  if (grammar === undefined) return !isBehindCloser || isBalanced(shown, prefix.split('\n').at(-1)!);
  if (!parsers.has(grammar)) parsers.set(grammar, loadParser(FOLDER, grammar));
  const parser = await parsers.get(grammar)!;
  const errors = (text: string): number => {
    const tree = parser.parse(text)!;
    const count = tree.rootNode.hasError ? errorsBelow(tree.rootNode) : 0;
    tree.delete();
    return count;
  };
  // In a string or comment, also in what a string expands, brackets may be words.
  const original = parser.parse(prefix + truth + suffix)!;
  let inText = false;
  let node: Node | null = original.rootNode.descendantForIndex(prefix.length - 1, prefix.length);
  for (; node; node = node.parent) inText ||= /string|template|comment|heredoc|expansion/.test(node.type);
  original.delete();
  if (isBehindCloser && !inText && !isBalanced(shown, '')) return false;
  const before = errors(prefix + suffix);
  return closings(shown, languageId).some((closing) => errors(prefix + shown + closing + suffix) <= before);
}

const PAIRS: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };
/** What opens or closes, after literals: tags, and the words of shells. */
const MARKS = /<\/?[A-Za-z][\w.]*(?:=>|[^<>])*>|[()[\]{}]|\b(?:if|fi|do|done|case|esac)\b/g;
const SHELL: Readonly<Record<string, string>> = { if: 'fi', do: 'done', case: 'esac' };

/** Ways to close what a text leaves open at its end, found without the rules of the product. */
function closings(text: string, languageId: string): string[] {
  const code = text.replace(/"""[^]*?"""|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`|\/\*[^]*?\*\//g, '""');
  const open: string[] = [];
  for (const [mark] of code.matchAll(MARKS)) {
    const name = /^<(\/?)([\w.]+)/.exec(mark);
    const closer = PAIRS[mark] ?? (languageId === 'shellscript' ? SHELL[mark] : undefined);
    if (closer !== undefined) open.unshift(closer);
    else if (name?.[1] === '' && !mark.endsWith('/>')) open.unshift(`</${name[2]!}>`);
    else if (open[0] === mark) open.shift();
  }
  const indent = /(?:^|\n)([ \t]*)[^\n]*$/.exec(text.trimEnd())![1]!;
  const bodies = ['', ' pass', `\n${indent}    pass`, `\n${' '.repeat(40)}pass`, '\n:'];
  const quotes = ['', '"""', '*/'];
  const ends = open.map((_, i) => `\n${open.slice(0, i + 1).join('\n')}`);
  return ['', ...ends].flatMap((end) => bodies.flatMap((body) => quotes.map((quote) => quote + body + end)));
}

function errorsBelow(node: Node): number {
  const own = node.isError || node.isMissing ? 1 : 0;
  return node.children.reduce((sum, child) => sum + (child ? errorsBelow(child) : 0), own);
}

const STRING = /(["'`])(?:\\.|(?!\1)[^\\])*(?:\1|$)/g;

/** Whether brackets outside of simple literals are closed in order. */
function isBalanced(text: string, lineBefore: string): boolean {
  const quote = /["'`]/.exec(lineBefore.replace(/(["'`])(?:\\.|(?!\1)[^\\])*\1/g, ''))?.[0] ?? '';
  const open: string[] = [];
  for (const [mark] of (quote + text).replace(STRING, '').matchAll(/[()[\]{}]/g)) {
    if (PAIRS[mark]) open.push(PAIRS[mark]);
    else if (open.pop() !== mark) return false;
  }
  return open.length === 0;
}
