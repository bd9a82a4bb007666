/** Components in the preview: shown once scripts are allowed, with boxes in place of what is not there. */
import assert from 'node:assert/strict';
import type { Browser } from 'playwright-core';
import { type Loopback, startLoopback } from '../../support/extension/loopback.ts';
import { startChromium } from '../chatPage.ts';
import { OWN_FILES, PreviewPage } from './previewPage.ts';

const COUNTER = `import React, { useState } from 'react';

interface Props { start?: number }

export default function Screenshot({ start = 2 }: Props) {
  const [count, setCount] = useState<number>(start);
  const style: React.CSSProperties = { fontSize: 20, color: '#333' };
  return (
    <main style={style}>
      <h1>Shop</h1>
      {/* </script> <!-- is text */}
      <p>{'</script><!-- in code'}</p>
      <button onClick={() => setCount((before) => before + 1)}>Bought {count} times</button>
    </main>
  );
}
`;

describe('the preview of a component', () => {
  let browser: Browser;
  let outside: Loopback;
  before(async () => {
    browser = await startChromium();
    outside = await startLoopback();
  });
  after(async () => {
    await browser.close();
    await outside[Symbol.asyncDispose]();
  });

  const open = (code: string, state: object = {}) =>
    PreviewPage.open(browser, { width: 1800, code, state: { preview: 'react', scripts: true, ...state } });
  const assertQuiet = (preview: PreviewPage): void => {
    assert.deepEqual(outside.seen, []);
    const requests = new Set(preview.requests.filter((url) => !url.startsWith('data:')));
    assert.deepEqual([...requests].sort(), OWN_FILES);
  };

  it('needs the permission to run scripts, and has a button for it', async () => {
    await using preview = await open(COUNTER, { scripts: false });
    assert.match(await preview.page.locator('.frame').innerText(), /^A component is a script/);
    assert.equal(await preview.page.locator('iframe').count(), 0);
    await preview.button('Allow Scripts').press('Enter');
    assert.deepEqual(await preview.said(), [{ type: 'scripts', allowed: true }]);
  });

  it('is alive, and reaches nothing', async () => {
    await using preview = await open(COUNTER);
    await preview.result.getByRole('heading', { name: 'Shop' }).waitFor();
    await preview.result.getByRole('button', { name: 'Bought 2 times' }).click();
    await preview.result.getByRole('button', { name: 'Bought 3 times' }).waitFor();
    assert.equal(await preview.result.getByText('</script><!-- in code').count(), 1);
    assertQuiet(preview);
  });

  it('shows boxes for pictures, frames and modules that are not there, and its links lead nowhere', async () => {
    await using preview = await open(`
      import styles from './shop.module.css';
      import './shop.css';
      import Logo, { Row as Line } from '../parts/Logo';
      import logo from './logo.svg';
      export const Shop: () => JSX.Element = () => (
        <div className={styles.shop}>
          <Logo /><Line>inside</Line>
          <img src={logo} alt="Logo" width={120} height={60} />
          <img src="${outside.origin}/a.png" srcSet="${outside.origin}/b.png 2x" alt="Far" />
          <iframe src="${outside.origin}/frame" title="Map" />
          <a href="${outside.origin}/away">away</a>
        </div>
      );`);
    await preview.result.locator('.shop').waitFor();
    assert.equal(await preview.result.locator('div[title="../parts/Logo"]').count(), 2);
    await preview.result.getByText('Row').waitFor();
    await preview.result.getByText('inside').waitFor();
    const pictures = await preview.result
      .locator('img')
      .evaluateAll((all) => (all as HTMLImageElement[]).map((image) => [image.alt, image.src.slice(0, 19)]));
    assert.deepEqual(
      pictures,
      ['Logo', 'Far', 'Map'].map((alt) => [alt, 'data:image/svg+xml,']),
    );
    await preview.result.getByText('away').click();
    await preview.result.getByText('inside').waitFor();
    assertQuiet(preview);
  });

  it('says what is wrong with code that cannot be shown', async () => {
    for (const [code, sentence] of [
      ['export default function () { return <p>; }', /^The code has an error: .*\(1:\d+\)$/],
      ['const a = 1;', /The code exports no component/],
      ['export default function A() { throw new Error("broken"); }', /Error: broken/],
      ['export default function A() { const b = c; return b; }', /c is not defined/],
      ['export default () => <p>{new Function("return 1")()}</p>;', /EvalError/],
    ] as const) {
      await using preview = await open(code);
      const outer = preview.page.locator('.frame > p');
      const said = (await outer.count()) > 0 ? outer : preview.result.getByRole('alert');
      assert.match(await said.innerText(), sentence);
    }
  });

  it('stays what it was while a new version makes no sense yet', async () => {
    await using preview = await open(COUNTER, { writing: true });
    await preview.result.getByRole('heading', { name: 'Shop' }).waitFor();
    await preview.say({ type: 'code', code: COUNTER.slice(0, 200) });
    assert.equal(await preview.result.getByRole('heading', { name: 'Shop' }).count(), 1);
    assert.equal(await preview.page.locator('.frame > p').count(), 0);
  });
});
