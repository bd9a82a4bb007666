/** Pictures in the page: pasted, dropped, decoded, sent piece by piece, shown. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { decode } from 'fast-png';
import type { Browser } from 'playwright-core';
import type { FromPage } from '../../webview/protocol.ts';
import {
  AVIF,
  BMP,
  GIF,
  PACKED_SVG,
  SVG_BOMB,
  plainPng,
  pngFile,
  turnedJpeg,
  whitePng,
} from '../support/pictureFiles.ts';
import { ChatPage, message, startChromium } from './chatPage.ts';
import { EVERYTHING } from './everything.ts';

const WHITE = [255, 255, 255];
const RED = [255, 0, 0];
/** The pixels of the largest file, and four times those that are kept. */
const MOST_MEMORY = 4 * (100_000_000 + 4 * 16_000_000);

describe('pictures in the page', () => {
  let browser: Browser;
  before(async () => (browser = await startChromium()));
  after(() => browser.close());

  it('of every kind become PNG files of opaque pixels', async () => {
    await using chat = await ChatPage.open(browser);
    const jpeg = await encoded(chat, 'image/jpeg');
    const half = pngFile({ width: 2, height: 1 }, () => Uint8Array.of(255, 0, 0, 0, 255, 0, 0, 255), {
      type: 6,
      depth: 8,
    });
    for (const { name, file, size, first } of [
      { name: 'a.png', file: plainPng(3, 2, [1, 2, 3]), size: [3, 2], first: [1, 2, 3] },
      { name: 'transparent.png', file: half, size: [2, 1], first: WHITE },
      { name: 'black and white.png', file: whitePng(9, 1), size: [9, 1], first: WHITE },
      { name: 'a.jpg', file: jpeg, size: [16, 8], first: RED },
      { name: 'turned by EXIF.jpg', file: turnedJpeg(jpeg, 6), size: [8, 16], first: RED },
      { name: 'a.webp', file: await encoded(chat, 'image/webp'), size: [16, 8], first: RED },
      { name: 'two frames.gif', file: GIF, size: [1, 1], first: RED },
      { name: 'a.bmp', file: BMP, size: [1, 1], first: RED },
      { name: 'a.avif', file: AVIF, size: [2, 2], first: undefined },
      { name: 'an ending that lies.svg', file: GIF, size: [1, 1], first: RED },
    ]) {
      await paste(chat, name, file);
      const { announced, png } = await receive(chat);
      const picture = decode(png);
      assert.deepEqual(
        [announced.name, announced.width, announced.height, announced.decode],
        [name, ...size, undefined],
      );
      assert.deepEqual([picture.width, picture.height, picture.depth], [...size, 8], name);
      assert.ok(picture.channels === 3 || picture.data.every((value, i) => i % 4 < 3 || value === 255), name);
      if (first) assert.ok(isNear([...picture.data.slice(0, 3)], first), `${name}: ${picture.data.slice(0, 3)}`);
      assert.equal(await notice(chat), '', name);
    }
    assert.deepEqual(chat.complaints, []);
  });

  it('that are very large or extreme are reduced, which is said, in little more memory than their pixels', async () => {
    await using own = { browser: await startChromium(), [Symbol.asyncDispose]: () => own.browser.close() };
    await using chat = await ChatPage.open(own.browser);
    const before = await peakMemory(own.browser);
    for (const { size, kept, said } of [
      {
        size: [10_000, 10_000],
        kept: [4000, 4000],
        said: 'wide.png was reduced from 10,000 × 10,000 to 4,000 × 4,000 pixels.',
      },
      { size: [30_000, 2], kept: [16_384, 1], said: 'wide.png was reduced from 30,000 × 2 to 16,384 × 1 pixels.' },
      { size: [1, 16_000], kept: [1, 16_000], said: '' },
    ] as const) {
      await paste(chat, 'wide.png', whitePng(size[0], size[1]));
      const { announced, png } = await receive(chat);
      assert.deepEqual([announced.width, announced.height], kept);
      assert.deepEqual([...decode(png).data.slice(0, 3)], WHITE);
      await chat.frame();
      assert.equal(await notice(chat), said);
      if (said) await dismiss(chat);
    }
    const taken = (await peakMemory(own.browser)) - before;
    assert.ok(taken > 4 * 16_000_000 && taken < MOST_MEMORY, `${(taken / 1e6).toFixed(0)} MB`);
    assert.deepEqual(chat.complaints, []);
  });

  it('that cannot be shown get one sentence, and the next one works', async () => {
    await using chat = await ChatPage.open(browser);
    const png = plainPng(200, 200);
    const noise = Buffer.from(Array.from({ length: 100 }, (_, i) => (i * 37) % 256));
    const drawing = / is a drawing or a text, not a picture of pixels\. Save it as PNG, or take a screenshot\.$/;
    const unknown = / is not a picture that can be shown: PNG, JPEG, WebP, GIF, BMP and AVIF can\.$/;
    const broken = / is damaged and cannot be shown\.$/;
    for (const [name, file, sentence] of [
      ['half.png', png.subarray(0, png.length / 2), broken],
      ['header.png', png.subarray(0, 33), broken],
      ['changed.png', Buffer.concat([png.subarray(0, 60), noise]), broken],
      ['drawing.png', Buffer.from('\ufeff <svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'), drawing],
      ['bomb.png', SVG_BOMB, drawing],
      ['packed.svgz', PACKED_SVG, unknown],
      ['page.png', Buffer.from('<!DOCTYPE html><script>alert(1)</script>'), drawing],
      ['nothing.png', Buffer.alloc(0), unknown],
      ['noise.png', noise, unknown],
      [
        'huge.png',
        whitePng(20_000, 20_000),
        /^huge\.png has 20,000 × 20,000 pixels, which is too large\. Reduce it first\.$/,
      ],
    ] as const) {
      await paste(chat, name, file);
      await chat.page.waitForSelector('.notice');
      assert.match(await notice(chat), sentence);
      assert.deepEqual(await chat.posted(), [], name);
      await dismiss(chat);
    }
    await chat.page.evaluate(() => {
      const data = new DataTransfer();
      data.items.add(new File([new Uint8Array(200 * 2 ** 20)], 'film.png', { type: 'image/png' }));
      document.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true }));
    });
    await chat.page.waitForSelector('.notice');
    assert.equal(await notice(chat), 'film.png is larger than 64 MB, which is too large for a picture.');
    await paste(chat, 'a.png', plainPng(1, 1));
    assert.equal((await receive(chat)).announced.width, 1);
    assert.equal(chat.dialogs, 0);
  });

  it('are taken from the clipboard, unless a text is meant', async () => {
    await using chat = await ChatPage.open(browser);
    const file = [...plainPng(1, 1)];
    const pasted = async (texts: Record<string, string>): Promise<boolean> => {
      const prevented = await chat.page.evaluate(
        ({ bytes, texts }) => {
          const data = new DataTransfer();
          for (const [type, text] of Object.entries(texts)) data.setData(type, text);
          data.items.add(new File([new Uint8Array(bytes)], 'image.png', { type: 'image/png' }));
          const event = new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true });
          document.getElementById('composer')!.dispatchEvent(event);
          return event.defaultPrevented;
        },
        { bytes: file, texts },
      );
      if (prevented) await receive(chat);
      return prevented;
    };
    assert.equal(await pasted({}), true, 'a screenshot');
    assert.equal(await pasted({ 'text/html': '<img>' }), true, 'a picture of a web page');
    assert.equal(await pasted({ 'text/plain': 'image.png' }), true, 'a file');
    assert.equal(await pasted({ 'text/plain': '1 2', 'text/html': '<table>' }), false, 'cells of a spreadsheet');
  });

  it('are taken where they are dropped; files of VS Code by their addresses', async () => {
    await using chat = await ChatPage.open(browser);
    const drop = (type: 'dragenter' | 'dragleave' | 'drop', texts: Record<string, string>, bytes?: number[]) =>
      chat.page.evaluate(
        ({ type, texts, bytes }) => {
          const dataTransfer = new DataTransfer();
          for (const [kind, text] of Object.entries(texts)) dataTransfer.setData(kind, text);
          if (bytes) dataTransfer.items.add(new File([new Uint8Array(bytes)], 'desk.png'));
          const event = new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true });
          document.querySelector('main')!.dispatchEvent(event);
          return event.defaultPrevented;
        },
        { type, texts, bytes },
      );
    const hint = chat.page.locator('.drop-hint');
    assert.equal(await drop('dragenter', { 'text/plain': 'words' }), false, 'text goes where it always went');
    assert.equal(await hint.count(), 0);
    assert.equal(await drop('dragenter', {}, [1]), true);
    await chat.frame();
    assert.equal(await hint.count(), 1);
    await drop('dragleave', {});
    await chat.frame();
    assert.equal(await hint.count(), 0);
    await drop('drop', {}, [...plainPng(2, 1)]);
    assert.equal((await receive(chat)).announced.name, 'desk.png');
    const uris = ['vscode-remote://ssh/w/a.png', 'file:///w/b%20c.ts'];
    await drop('drop', { 'application/vnd.code.uri-list': uris.join('\r\n'), 'text/uri-list': 'file:///other' }, [1]);
    await drop('drop', { 'text/uri-list': `# two\nhttps://example.com/x.png\n${uris[1]}` });
    assert.deepEqual(await chat.posted(), [
      { type: 'dropped', uris },
      { type: 'dropped', uris: [uris[1]] },
    ]);
  });

  it('go in pieces of at most 4 MB, one after another, and the question waits for them', async () => {
    await using chat = await ChatPage.open(browser);
    await chat.page.evaluate(async () => {
      const canvas = new OffscreenCanvas(2000, 1500);
      const context = canvas.getContext('2d')!;
      const noise = new ImageData(2000, 1500);
      let state = 1;
      for (let i = 0; i < noise.data.length; i++) {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        noise.data[i] = i % 4 === 3 ? 255 : state >>> 24;
      }
      context.putImageData(noise, 0, 0);
      const blob = await canvas.convertToBlob({ type: 'image/png' });
      const data = new DataTransfer();
      for (const name of ['one.png', 'two.png']) data.items.add(new File([blob], name));
      document.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true }));
    });
    await chat.type('What is it?');
    await chat.press('Enter');
    assert.match(await chat.page.innerText('.composer'), /Preparing the picture…/);
    const names: string[] = [];
    for (let i = 0; i < 2; i++) {
      const { announced, sizes } = await receive(chat);
      names.push(announced.name);
      assert.ok(sizes.length === 3 && sizes.every((size) => size <= 4_000_000), sizes.join());
    }
    assert.deepEqual(names, ['one.png', 'two.png']);
    await chat.frame();
    assert.deepEqual(await chat.posted(), [{ type: 'send', text: 'What is it?' }]);
    assert.doesNotMatch(await chat.page.innerText('.composer'), /Preparing/);
  });

  it('that the host has are decoded for it', async () => {
    await using chat = await ChatPage.open(browser);
    const give = async (decode: number, name: string, file: Buffer): Promise<void> => {
      await chat.say({ type: 'decode', decode, name, bytes: file.length });
      assert.deepEqual(await chat.posted(), [{ type: 'fileWanted', decode, offset: 0 }]);
      await chat.page.evaluate(
        ({ decode, bytes }) =>
          window.postMessage({ type: 'filePiece', decode, offset: 0, data: new Uint8Array(bytes) }, '*'),
        { decode, bytes: [...file] },
      );
    };
    await give(7, 'a.gif', GIF);
    const { announced } = await receive(chat);
    assert.deepEqual([announced.decode, announced.name, announced.width], [7, 'a.gif', 1]);
    await give(8, 'b.gif', GIF.subarray(0, 9));
    await chat.page.waitForFunction(() => window.posted.length > 0);
    assert.deepEqual(await chat.posted(), [
      { type: 'pictureFailed', decode: 8, text: 'b.gif is damaged and cannot be shown.' },
    ]);
  });
});

describe('a picture of a question', () => {
  let browser: Browser;
  before(async () => (browser = await startChromium()));
  after(() => browser.close());

  it('is enlarged by a key, and Escape brings back the page without stopping the answer', async () => {
    const messages = [...EVERYTHING.messages, message('q9', 'And now?'), message('a9', '', { status: 'writing' })];
    await using chat = await ChatPage.open(browser, { state: { ...EVERYTHING, messages } });
    const thumbnail = '.composer [aria-label="Enlarge dialog.png, 1200 × 700 pixels"]';
    await chat.page.focus(thumbnail);
    await chat.press('Enter');
    const dialog = chat.page.locator('dialog.enlarged');
    assert.equal(await dialog.getAttribute('aria-label'), 'dialog.png');
    assert.equal(await dialog.locator('img').getAttribute('alt'), 'dialog.png, 1200 × 700 pixels');
    assert.equal(await chat.focused(), 'Close');
    await chat.press('Escape');
    assert.equal(await dialog.count(), 0);
    assert.equal(await chat.focused(), 'Enlarge dialog.png, 1200 × 700 pixels');
    await chat.page.click(thumbnail);
    await dialog.locator('img').click();
    await chat.frame();
    assert.equal(await dialog.count(), 0);
    assert.deepEqual(await chat.posted(), []);
    await chat.press('Escape');
    assert.deepEqual(await chat.posted(), [{ type: 'stop' }], 'Escape in the page stops');
  });

  it('says what it takes, offers less, and can be removed; a sent one cannot', async () => {
    await using chat = await ChatPage.open(browser, { state: EVERYTHING });
    const detail = chat.page.getByLabel('Detail in which the model sees dialog.png');
    assert.deepEqual(await detail.locator('option').allInnerTexts(), [
      '1,921 tokens, about 3 min',
      '757 tokens, about 42 s',
    ]);
    await detail.selectOption('4');
    await chat.page.getByLabel('Remove dialog.png').click();
    assert.deepEqual(await chat.posted(), [
      { type: 'limitCrops', chipId: 'x5', mostCrops: 4 },
      { type: 'detach', chipId: 'x5' },
    ]);
    const sent = chat.page.locator('.message .chip.picture');
    assert.match((await sent.textContent())!, /dialog\.png.*1,921 tokens, about 3 min$/);
    assert.equal(await chat.page.locator('.message :is(select, [aria-label^=Remove])').count(), 0);
    await chat.page.getByLabel('Add a picture').click();
    assert.deepEqual(await chat.posted(), [{ type: 'pickPicture' }]);
  });

  it('whose file is gone leaves its name', async () => {
    await using chat = await ChatPage.open(browser);
    await chat.page.route('**/pictures/*', (route) => route.abort());
    await chat.say({ type: 'state', state: EVERYTHING });
    await chat.page.waitForSelector('.composer .chip.picture > .icon');
    assert.match(await chat.page.innerText('.composer .chip.picture'), /dialog\.png/);
  });
});

type Announced = Extract<FromPage, { type: 'picture' }>;

/** Pastes a file into the page. */
async function paste(chat: ChatPage, name: string, file: Buffer): Promise<void> {
  await chat.page.evaluate(
    ({ name, base64 }) => {
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      const data = new DataTransfer();
      data.items.add(new File([bytes], name));
      document.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
    },
    { name, base64: file.toString('base64') },
  );
}

/** Takes the next picture as the host does. */
async function receive(chat: ChatPage): Promise<{ announced: Announced; png: Buffer; sizes: number[] }> {
  await chat.page.waitForFunction(() => window.posted.some(({ type }) => type === 'picture'));
  const { announced, base64, sizes } = await chat.page.evaluate(async () => {
    const next = async <T extends FromPage['type']>(type: T) => {
      for (;;) {
        const at = window.posted.findIndex((message) => message.type === type);
        if (at >= 0) return window.posted.splice(at, 1)[0] as Extract<FromPage, { type: T }>;
        await new Promise((resolve) => setTimeout(resolve));
      }
    };
    const announced = await next('picture');
    const { transfer, bytes } = announced;
    const pieces: Uint8Array<ArrayBuffer>[] = [];
    for (let offset = 0; offset < bytes; offset += pieces.at(-1)!.length) {
      window.postMessage({ type: 'pictureWanted', transfer, offset }, '*');
      pieces.push((await next('picturePiece')).data);
    }
    window.postMessage({ type: 'pictureEnded', transfer }, '*');
    const reader = new FileReader();
    reader.readAsDataURL(new Blob(pieces));
    await new Promise((resolve) => (reader.onload = resolve));
    return { announced, base64: String(reader.result).split(',')[1]!, sizes: pieces.map(({ length }) => length) };
  });
  return { announced, png: Buffer.from(base64, 'base64'), sizes };
}

/** A picture of 16 by 8 red pixels, as the browser encodes it. */
async function encoded(chat: ChatPage, type: string): Promise<Buffer> {
  const bytes = await chat.page.evaluate(async (type) => {
    const canvas = new OffscreenCanvas(16, 8);
    const context = canvas.getContext('2d')!;
    context.fillStyle = 'red';
    context.fillRect(0, 0, 16, 8);
    const blob = await canvas.convertToBlob({ type, quality: 1 });
    if (blob.type !== type) throw new Error(`The browser does not write ${type}.`);
    return Array.from(new Uint8Array(await blob.arrayBuffer()));
  }, type);
  return Buffer.from(bytes);
}

/** Lossy kinds do not keep colours exactly. */
const isNear = (rgb: number[], wanted: readonly number[]): boolean =>
  rgb.every((value, i) => Math.abs(value - wanted[i]!) <= 4);

async function notice({ page }: ChatPage): Promise<string> {
  const texts = await page.locator('.notice > span').allInnerTexts();
  return texts.join();
}

async function dismiss(chat: ChatPage): Promise<void> {
  await chat.page.getByLabel('Dismiss').click();
  await chat.frame();
}

/** The most memory that a page's process has had, in bytes. */
async function peakMemory(browser: Browser): Promise<number> {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  const peaks = processInfo
    .filter(({ type }) => type === 'renderer')
    .map(({ id }) => Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${id}/status`, 'utf8'))![1]) * 1024);
  await session.detach();
  return Math.max(...peaks);
}
