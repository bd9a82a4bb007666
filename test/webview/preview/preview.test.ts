/** Whatever code is shown: nothing in it runs, loads or leads away; and how the page is used. */
import assert from 'node:assert/strict';
import type { Browser } from 'playwright-core';
import { hostilePages } from '../../fixtures/hostilePage.ts';
import { type Loopback, startLoopback } from '../../support/extension/loopback.ts';
import { until } from '../../support/until.ts';
import { startChromium } from '../chatPage.ts';
import { emptyState, OWN_FILES, PreviewPage } from './previewPage.ts';

/** Two columns of the picture's width, so that nothing is scaled: Playwright does not click into scaled frames. */
const WIDE = 1800;

describe('the preview of Screenshot to Code', () => {
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

  /** Nothing was asked for but the page itself, and nothing has run. */
  const assertQuiet = async (preview: PreviewPage): Promise<void> => {
    assert.deepEqual(outside.seen, []);
    assert.deepEqual([...new Set(preview.requests.filter((url) => !url.startsWith('data:')))], OWN_FILES);
    assert.equal(preview.dialogs, 0);
    assert.equal(preview.page.context().pages().length, 1);
    assert.equal(await preview.page.getByRole('status').textContent(), emptyState().status);
  };

  it('no hostile page runs, loads, connects or leads away, nor by a click on anything in it', async () => {
    await using preview = await PreviewPage.open(browser);
    for (const html of hostilePages(outside.origin)) {
      await preview.show(html);
      const { x, y } = (await preview.page.locator('.frame').boundingBox())!;
      for (const right of [12, 40]) for (const down of [8, 14, 30]) await preview.page.mouse.click(x + right, y + down);
      const addresses = (): string =>
        preview.page
          .frames()
          .map((frame) => frame.url().replace(/#.*/, ''))
          .join();
      // Playwright learns a little later of frames that come and go.
      await until(() => addresses() === `${OWN_FILES[0]},about:srcdoc`);
    }
    await assertQuiet(preview);
  });

  it('the same pages would reach out in a frame without all this', async () => {
    await using open = await startLoopback();
    const page = await browser.newPage();
    for (const html of hostilePages(open.origin)) {
      await page.setContent(`<iframe srcdoc="${html.replaceAll('&', '&amp;').replaceAll('"', '&quot;')}"></iframe>`);
    }
    await page.close();
    assert.ok(new Set(open.seen).size > 20, open.seen.join('\n'));
  });

  it('markup that changes each time it is parsed is not shown', async () => {
    await using preview = await PreviewPage.open(browser, { code: '<plaintext><img src=x>' });
    assert.equal(await preview.page.locator('.frame').innerText(), 'This code cannot be shown.');
  });

  it('a language without a preview has a sentence instead, and no scripts to allow', async () => {
    const state = { preview: 'none' } as const;
    await using preview = await PreviewPage.open(browser, { state, code: '<template><p /></template>' });
    assert.match(await preview.page.locator('.frame').innerText(), /^There is no preview for this language: /);
    assert.equal(await preview.page.getByLabel('Allow scripts in this preview').count(), 0);
  });

  it('drawings keep what lies in the page: pictures elsewhere are boxes, and parts of other files are left out', async () => {
    await using preview = await PreviewPage.open(browser, {
      code:
        '<svg><circle id="dot" r="5"/><use href="#dot"/><use href="https://a.example/i.svg#x"/><use xlink:href="i.svg#x"/>' +
        '<image href="a.png" width="20" height="10"/><image href="data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"/></svg>',
    });
    const hrefs = await preview.result.locator('use, image').evaluateAll((all) =>
      all.map((each) => {
        const href = each.getAttribute('href') ?? each.getAttribute('xlink:href');
        return href?.replace(/^data:image\/(\w+).*/s, '$1');
      }),
    );
    assert.deepEqual(hrefs, ['#dot', undefined, undefined, 'svg', 'gif']);
  });

  it('missing pictures are boxes with their text or size; links lead to places of the page only', async () => {
    await using preview = await PreviewPage.open(browser, {
      width: WIDE,
      code:
        '<img src="a.png" alt="Logo &amp; <name>" width="120" height="60"><img src="b.png"><img src="c.png" width="30">' +
        '<img src="data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7" alt="own"><iframe src="https://a.example" title="Map"></iframe>' +
        '<a href="#end">down</a><a href="/away">away</a><p id="end" style="margin-top:2000px">end</p>',
    });
    const images = preview.result.locator('img');
    assert.deepEqual(
      await images.evaluateAll((all) =>
        (all as HTMLImageElement[]).map(({ src, naturalWidth, naturalHeight }) => [
          decodeURIComponent(/<text[^>]*>(.*)<\/text>/.exec(decodeURIComponent(src))?.[1] ?? ''),
          naturalWidth,
          naturalHeight,
        ]),
      ),
      [
        ['Logo &#38; &#60;name&#62;', 120, 60],
        ['160 × 100', 160, 100],
        ['30 × 100', 30, 100],
        ['', 1, 1],
        ['Map', 160, 100],
      ],
    );
    await preview.result.getByText('down').click();
    await preview.result.locator(':target').waitFor();
    await preview.page.locator('.frame').hover();
    await preview.page.mouse.wheel(0, -5000);
    await preview.result.getByText('away').click();
    assert.equal(await preview.result.getByText('end').count(), 1);
    await assertQuiet(preview);
  });

  it('the slider lays the picture over the result, by keyboard, and says how much', async () => {
    await using preview = await PreviewPage.open(browser, { code: '<h1>Shop</h1>' });
    assert.equal(await preview.slider.count(), 0);
    await preview.page.getByLabel('Lay the picture over the result').press('Space');
    await preview.slider.focus();
    const state = () =>
      preview.slider.evaluate((slider) => [
        slider.getAttribute('aria-valuetext'),
        getComputedStyle(document.querySelector('.picture')!).clipPath,
      ]);
    assert.deepEqual(await state(), ['50 % picture, 50 % result', 'inset(0px 50% 0px 0px)']);
    await preview.page.keyboard.press('ArrowRight');
    await preview.page.keyboard.press('PageUp');
    assert.deepEqual(await state(), ['61 % picture, 39 % result', 'inset(0px 39% 0px 0px)']);
    await preview.page.keyboard.press('Home');
    assert.deepEqual(await state(), ['0 % picture, 100 % result', 'inset(0px 100% 0px 0px)']);
    const boxes = await Promise.all(['.frame', '.picture img'].map((each) => preview.page.locator(each).boundingBox()));
    assert.deepEqual(boxes[0], boxes[1], 'one lies exactly over the other');
  });

  it('a new version replaces the shown one only once it is laid out, and the choices survive a reload', async () => {
    await using preview = await PreviewPage.open(browser, { code: '<p>one</p>' });
    await preview.page.getByLabel('Scale of the screen').selectOption('2');
    await preview.say({ type: 'code', code: '<p>two</p>' }, { type: 'code', code: '<p>three</p>' });
    await preview.result.getByText('three').waitFor();
    assert.equal(
      await preview.page.locator('.frame iframe').evaluate((frame) => (frame as HTMLElement).style.width),
      '400px',
    );
    await preview.page.reload();
    await preview.say({ type: 'state', state: emptyState() });
    assert.equal(await preview.page.getByLabel('Scale of the screen').inputValue(), '2');
  });

  it('Enter sends the words, once there is code and nothing is being written', async () => {
    await using preview = await PreviewPage.open(browser, { state: { writing: true } });
    const words = preview.page.getByLabel('What should be different?');
    await words.fill('  larger  ');
    await words.press('Enter');
    await preview.button('Stop').click();
    assert.deepEqual(await preview.said(), [{ type: 'stop' }]);
    await preview.say({ type: 'state', state: emptyState() }, { type: 'code', code: '<p>' });
    await words.press('Enter');
    await preview.button('Add to Project').click();
    await preview.button('Start Again').click();
    assert.deepEqual(await preview.said(), [
      { type: 'refine', words: 'larger' },
      { type: 'addToProject' },
      { type: 'again' },
    ]);
    assert.equal(await words.inputValue(), '');
    assert.equal(await preview.button('Refine').isDisabled(), true);
  });
});
