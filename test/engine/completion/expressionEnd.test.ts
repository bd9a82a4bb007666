import assert from 'node:assert/strict';
import { cleanCompletion } from '../../../engine/completion/clean.ts';
import { cursorAt } from '../../../engine/completion/cursor.ts';
import type { ShownCase } from './shownCases.ts';

/** [language, what the model was sure of, what is shown of it]. */
const CASES: Record<string, readonly ShownCase[]> = {
  'behind a name, a value or a closing bracket': [
    ['typescript', '0; i <', 'for (let i = ⟦0; i⟧'],
    ['typescript', 'bed.#plants.', 'for (const plant of ⟦bed.#plants⟧'],
    ['typescript', 'bed.#', 'for (const plant of ⟦bed⟧'],
    ['typescript', 'log(', 'console.⟦log⟧'],
    ['typescript', 'f(a, b) && (', 'if (⟦f(a, b)⟧'],
    ['typescript', 'beds.map((bed) => [', 'const all = ⟦beds.map((bed)⟧'],
    ['typescript', 'a?.b !== ', 'if (⟦a?.b⟧'],
    ['typescript', 'f(...', 'const x = ⟦f⟧'],
    ['typescript', 'f(x > ', 'const y = ⟦f(x⟧'],
    ['typescript', '"a, " + ', 'const s = ⟦"a, "⟧'],
    ['python', 'self.names[', 'return ⟦self.names⟧'],
    ['python', ' size(self) ->', 'def⟦ size(self)⟧'],
    ['rust', 'Bed::new(&', 'let bed = ⟦Bed::new⟧'],
    ['rust', 'Vec<', 'fn f() -> ⟦Vec⟧'],
    ['typescript', '(', 'const x = f⟦⟧'],
    ['typescript', 'a, ', 'foo(⟦a⟧)'],
  ],
  'whole as it is': [
    ['typescript', 'i++', 'for (;;) ⟦i++⟧'],
    ['typescript', 'Map<string, Bed[]>', 'const x: ⟦Map<string, Bed[]>⟧'],
    ['typescript', 'find(name)!', 'const x = this.⟦find(name)!⟧'],
    ['typescriptreact', '<Bed name="a" />', 'return ⟦<Bed name="a" />⟧'],
    ['rust', 'read()?', 'let x = ⟦read()?⟧'],
    ['rust', 'println!', '⟦println!⟧'],
    ['python', 'se:', 'if a:\n    b()\nel⟦se:⟧'],
    ['css', ' 50%', 'width:⟦ 50%⟧'],
    ['c', ' char *name', 'const⟦ char *name⟧'],
    ['json', 'ame":', '{ "n⟦ame":⟧'],
    ['shellscript', ' src/', 'cd⟦ src/⟧'],
  ],
  'strings, comments and sentences are no expressions': [
    ['typescript', 'Dear ${name},', 'const x = `⟦Dear ${name},⟧`'],
    ['typescript', 'one, two, ', "f('⟦one, two,⟧"],
    ['typescript', 'those that (', '// ⟦those that (⟧'],
    ['markdown', 'roses, ', 'It has ⟦roses,⟧'],
  ],
};

describe('a line that the model is not sure how to go on with', () => {
  for (const [group, cases] of Object.entries(CASES)) {
    describe(group, () => {
      for (const [languageId, says, seen] of cases) {
        it(`${languageId}: ${JSON.stringify(seen)} of ${JSON.stringify(says)}`, () => {
          const [prefix, rest] = seen.split('⟦') as [string, string];
          const suffix = rest.split('⟧')[1]!;
          const cursor = cursorAt({ fileName: 'a', languageId, prefix, suffix });
          const shown = (unsure: boolean): string =>
            cleanCompletion(says, cursor, { mode: 'single', instruct: false, cutOff: false, unsure }).text;
          assert.equal(`${prefix}⟦${shown(true)}⟧${suffix}`, seen);
          // Where the model ended the line so, it stays.
          if (suffix === '' && /\w/.test(says)) assert.equal(shown(false), says.trimEnd());
        });
      }
    });
  }
});
