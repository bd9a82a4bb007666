import assert from 'node:assert/strict';
import { newLines } from '../../../extension/inlineEdit/answer.ts';
import { hunkAt, propose } from '../../../extension/inlineEdit/hunks.ts';
import { DocumentHunks } from '../../../extension/inlineEdit/documentHunks.ts';
import { EditableDocument, Editing } from '../../support/extension/editing.ts';
import { mulberry32 } from '../../../engine/inference/random.ts';

type Session = { document: EditableDocument; session: DocumentHunks };

describe('inline edit: hunks in a document', () => {
  let editing: Editing;
  beforeEach(() => (editing = new Editing('/project')));
  afterEach(() => editing[Symbol.dispose]());

  /** Shows `fresh` in place of `old`, which stands between `above` and `below`. */
  const opened = async (text: string, first: number, count: number, fresh: readonly string[]): Promise<Session> => {
    const document = editing.open('a.ts', text);
    const session = new DocumentHunks(document as never);
    editing.changed.event((event) => session.follow((event as { contentChanges: never }).contentChanges));
    const old = text.split(/\r?\n/).slice(first, first + count);
    assert.ok(await session.propose(first, old, fresh));
    return { document, session };
  };
  const all = ({ session }: Session): number[] => session.hunks.map(({ id }) => id);

  /** The text that the user sees: `-` before old lines, `+` before new ones. */
  const seen = ({ document, session }: Session): string =>
    document
      .getText()
      .split(/\r?\n/)
      .map((line, at) => {
        const hunk = hunkAt(session.hunks, at);
        const inside = hunk !== undefined && hunk.old + hunk.fresh > 0;
        return `${!inside ? ' ' : at < hunk.start + hunk.old ? '-' : '+'}${line}`;
      })
      .join('\n');

  it('old lines stay, new ones stand behind them', async () => {
    const shown = await opened('a\nb\nc\nd\n', 1, 2, ['B', 'c', 'x']);
    assert.equal(seen(shown), ' a\n-b\n+B\n c\n+x\n d\n ');
  });

  for (const [verdict, after] of [
    ['accept', 'a\nB\nc\nx\nd\n'],
    ['reject', 'a\nb\nc\nd\n'],
  ] as const) {
    it(`${verdict} all`, async () => {
      const shown = await opened('a\nb\nc\nd\n', 1, 2, ['B', 'c', 'x']);
      await shown.session.decide(all(shown), verdict);
      assert.equal(shown.document.getText(), after);
      assert.deepEqual(shown.session.hunks, []);
    });
  }

  it('each decision is one undo step, and undo brings the hunk back', async () => {
    const shown = await opened('a\nb\nc\n', 0, 3, ['A', 'b', 'C']);
    const before = seen(shown);
    await shown.session.decide([1], 'accept');
    assert.equal(seen(shown), '-a\n+A\n b\n C\n ');
    shown.document.undo();
    assert.equal(seen(shown), before);
    shown.document.redo();
    assert.equal(seen(shown), '-a\n+A\n b\n C\n ');
    shown.document.undo();
    shown.document.undo();
    assert.equal(seen(shown), ' a\n b\n c\n ');
    shown.document.redo();
    assert.equal(seen(shown), before);
  });

  it('line ends of the document, and a last line without one', async () => {
    const shown = await opened('a\r\nb', 1, 1, ['x', 'y']);
    assert.equal(shown.document.getText(), 'a\r\nb\r\nx\r\ny');
    await shown.session.decide(all(shown), 'reject');
    assert.equal(shown.document.getText(), 'a\r\nb');
    shown.document.undo();
    await shown.session.decide(all(shown), 'accept');
    assert.equal(shown.document.getText(), 'a\r\nx\r\ny');
  });

  it('a text that goes entirely, and one that comes from nothing', async () => {
    const gone = await opened('a\nb', 0, 2, []);
    await gone.session.decide(all(gone), 'accept');
    assert.equal(gone.document.getText(), '');
    const come = await opened('', 0, 1, ['a', 'b']);
    await come.session.decide(all(come), 'accept');
    assert.equal(come.document.getText(), 'a\nb');
  });

  describe('typing elsewhere while hunks are shown', () => {
    const TEXT = 'a\nb\nc\nd\n';
    // After proposing: a / -b / +B / c / d. Offsets are of that text, `a\nb\nB\nc\nd\n`.
    const CASES: [name: string, at: number, length: number, text: string, shown: string][] = [
      ['a line above', 0, 0, 'x\n', ' x\n a\n-b\n+B\n c\n d\n '],
      ['a line directly above', 2, 0, 'x\n', ' a\n x\n-b\n+B\n c\n d\n '],
      ['Enter at the end of the line above', 1, 0, '\n', ' a\n \n-b\n+B\n c\n d\n '],
      ['a line below', 6, 0, 'x\n', ' a\n-b\n+B\n x\n c\n d\n '],
      ['Enter at the end of the new line', 5, 0, '\ny', ' a\n-b\n+B\n+y\n c\n d\n '],
      ['letters in the new line', 5, 0, 'B', ' a\n-b\n+BB\n c\n d\n '],
      ['letters in the old line', 3, 0, 'b', ' a\n-bb\n+B\n c\n d\n '],
      ['the line above goes', 0, 2, '', '-b\n+B\n c\n d\n '],
      ['the new line goes: that is as it was', 4, 2, '', ' a\n b\n c\n d\n '],
      ['the old line goes', 2, 2, '', ' a\n+B\n c\n d\n '],
      ['joined with the line above', 1, 1, '', ' ab\n+B\n c\n d\n '],
      ['joined with the line below', 5, 1, '', ' a\n-b\n Bc\n d\n '],
      ['everything is replaced', 0, 10, 'new', ' new'],
    ];
    for (const [name, at, length, text, after] of CASES) {
      it(name, async () => {
        const shown = await opened(TEXT, 1, 1, ['B']);
        assert.equal(shown.document.getText(), 'a\nb\nB\nc\nd\n');
        const before = seen(shown);
        shown.document.type(at, text, length);
        assert.equal(seen(shown), after);
        shown.document.undo();
        assert.equal(seen(shown), before);
      });
    }
  });

  it('accepting all gives the new text, rejecting all the old, in any order with undo and redo between', async () => {
    for (let seed = 1; seed <= 150; seed++) {
      const random = mulberry32(seed);
      const pick = (count: number): number => Math.floor(random() * count);
      const end = pick(2) === 0 ? '\n' : '\r\n';
      const old = Array.from({ length: 1 + pick(12) }, () => 'abcd'[pick(4)]!);
      const fresh = old.flatMap((line) => [[line], [line], [], ['x'], [line, 'y']][pick(5)]!);
      const [above, below] = [Array.from({ length: pick(3) }, () => 'u'), Array.from({ length: pick(3) }, () => 'v')];
      const text = [...above, ...old, ...below].join(end);
      const shown = await opened(text, above.length, old.length, fresh);
      const { document, session } = shown;
      const { hunks } = propose(above.length, old, fresh);
      const verdicts = new Map(hunks.map(({ id }) => [id, pick(2) === 0 ? 'accept' : 'reject'] as const));
      for (let step = 0; step < 30 && session.hunks.length > 0; step++) {
        const action = pick(5);
        if (action === 0) document.undo();
        else if (action === 1) document.redo();
        else {
          const { id } = session.hunks[pick(session.hunks.length)]!;
          await session.decide([id], verdicts.get(id)!);
        }
      }
      // Undone to the very beginning, there is nothing to decide: redo shows the hunks again.
      while (document.redo());
      for (const { id } of session.hunks) await session.decide([id], verdicts.get(id)!);
      assert.deepEqual(session.hunks, [], `seed ${seed}`);
      assert.equal(document.getText(), expected(above, old, fresh, below, verdicts, end), `seed ${seed}`);
      while (document.undo());
      assert.equal(document.getText(), text, `seed ${seed}: undone`);
      // Lines that would only go stand there in any case: such a hunk may be shown again.
      assert.ok(
        shown.session.hunks.every((hunk) => hunk.fresh === 0),
        `seed ${seed}: undone`,
      );
    }
  });
});

/** The text by the verdicts, computed from the old and the new lines alone. */
function expected(
  above: string[],
  old: string[],
  fresh: string[],
  below: string[],
  verdicts: ReadonlyMap<number, 'accept' | 'reject'>,
  end: string,
): string {
  const { edits, hunks } = propose(0, old, fresh);
  const shown: { line: string; of?: number; side?: 'old' | 'fresh' }[] = [];
  let from = 0;
  for (const { at, lines } of [...edits, { at: old.length, lines: [] }]) {
    shown.push(...old.slice(from, at).map((line) => ({ line })), ...lines.map((line) => ({ line })));
    from = at;
  }
  for (const { id, start, old: removed, fresh: added } of hunks) {
    for (let line = start; line < start + removed + added; line++) {
      Object.assign(shown[line]!, { of: id, side: line < start + removed ? 'old' : 'fresh' });
    }
  }
  const kept = shown.filter(
    ({ of, side }) => of === undefined || (verdicts.get(of) === 'accept') === (side === 'fresh'),
  );
  return [...above, ...kept.map(({ line }) => line), ...below].join(end);
}

describe('inline edit: the code of an answer', () => {
  const CASES: [name: string, answer: string, old: string, gives: string][] = [
    ['a fence', 'Here it is:\n```ts\nb();\n```\nDone.', 'a();', 'b();'],
    ['no fence', 'b();\n', 'a();', 'b();'],
    ['no fence, a sentence in front', 'Here is the new code:\nb();', 'a();', 'b();'],
    ['a fence that does not end', '```\nb();\nc();', 'a();', 'b();\nc();'],
    ['moved to the place', '```\nif (x) {\n  b();\n}\n```', '    a();', '    if (x) {\n      b();\n    }'],
    [
      'the first line without its indentation',
      '```\nif (x) {\n      b();\n    }\n```',
      '    a();',
      '    if (x) {\n      b();\n    }',
    ],
    ['Python: only the body is deeper', '```\nif x:\n    b()\n```', '  a()', '  if x:\n      b()'],
    ['a fence within Markdown', '```md\n# A\n```sh\nls\n```\n```', '# a', '# A\n```sh\nls\n```'],
    ['nothing', '```\n```', 'a();', ''],
    ['a blank line to fill', '```\nb();\n```', '  ', '  b();'],
  ];
  for (const [name, answer, old, gives] of CASES) {
    it(name, () => assert.equal(newLines(answer, old.split('\n'), undefined).join('\n'), gives));
  }
  it('spaces become the tabs of the file', () => {
    assert.deepEqual(newLines('```\nif (x) {\n    b();\n}\n```', ['\ta();'], '\t'), ['\tif (x) {', '\t\tb();', '\t}']);
  });
});
