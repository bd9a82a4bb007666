import assert from 'node:assert/strict';
import { GhostCache } from '../../../extension/completion/ghostCache.ts';

/** `|` is the cursor, `[...]` the ghost text, as the user sees it. */
function parse(shown: string): { around: { prefix: string; suffix: string }; ghost: string | undefined } {
  const [, prefix = '', ghost, suffix = ''] = /^([^[|]*)(?:\|?\[(.*)\]|\|)(.*)$/s.exec(shown) ?? [];
  return { around: { prefix, suffix }, ghost };
}

describe('ghost cache', () => {
  const cases: { name: string; asked: string; then: string; shows: string }[] = [
    { name: 'the same place', asked: 'foo[bar]', then: 'foo|', shows: 'bar' },
    { name: 'typing through', asked: 'foo[bar]', then: 'foob|', shows: 'ar' },
    { name: 'going back to where it began', asked: 'foo[bar]', then: 'foo|', shows: 'bar' },
    { name: 'another letter', asked: 'foo[bar]', then: 'foox|', shows: 'asks' },
    { name: 'going back further', asked: 'foo[bar]', then: 'fo|', shows: 'asks' },
    { name: 'all of it typed', asked: 'foo[bar]', then: 'foobar|', shows: 'asks' },
    { name: 'more than all of it typed', asked: 'foo[bar]', then: 'foobarb|', shows: 'asks' },
    { name: 'changed after the cursor', asked: 'foo[bar];', then: 'foob|,', shows: 'asks' },
    { name: 'nothing to say', asked: 'foo[];', then: 'foo|;', shows: '' },
    { name: 'nothing to say, then typed', asked: 'foo[];', then: 'foob|;', shows: 'asks' },
    { name: 'several lines', asked: 'if x:\n[  a\n  b]\n', then: 'if x:\n  a\n |\n', shows: ' b' },
    { name: 'the editor closed the bracket', asked: 'foo[(a, b)];', then: 'foo(|);', shows: 'a, b' },
    { name: 'the editor closed a quote in a bracket', asked: "foo[('a')]", then: "foo('|')", shows: 'a' },
    { name: 'a closed bracket, but more follows', asked: 'foo[(a);]', then: 'foo(|)', shows: 'asks' },
  ];
  for (const { name, asked, then, shows } of cases) {
    it(`${name}: ${then}`, () => {
      const cache = new GhostCache();
      const { around, ghost } = parse(asked);
      cache.add('a.ts', around, ghost!);
      assert.equal(cache.find('a.ts', parse(then).around) ?? 'asks', shows);
      assert.equal(cache.find('b.ts', parse(then).around), undefined, 'another document');
    });
  }

  it('keeps the entries used last', () => {
    const cache = new GhostCache(2);
    const place = (prefix: string) => ({ prefix, suffix: '' });
    cache.add('a', place('1'), 'one');
    cache.add('a', place('2'), 'two');
    assert.equal(cache.find('a', place('1')), 'one');
    cache.add('a', place('3'), 'three');
    assert.equal(cache.find('a', place('1')), 'one');
    assert.equal(cache.find('a', place('2')), undefined);
    cache.clear();
    assert.equal(cache.find('a', place('1')), undefined);
  });
});
