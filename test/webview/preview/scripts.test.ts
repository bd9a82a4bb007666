/** Scripts that the user allows: those in the code run, and reach no other machine, not even by WebRTC. */
import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser } from 'playwright-core';
import { type Loopback, startLoopback } from '../../support/extension/loopback.ts';
import { startChromium } from '../chatPage.ts';
import { emptyState, OWN_FILES, PreviewPage } from './previewPage.ts';

/** Chromium looks for the way out within a few milliseconds; what never comes takes as long as one waits. */
const WAIT_MS = 500;

describe('scripts in the preview', () => {
  let browser: Browser;
  let outside: Loopback;
  let udp: Socket;
  let datagrams = 0;
  before(async () => {
    browser = await startChromium();
    outside = await startLoopback();
    udp = createSocket('udp4').on('message', () => datagrams++);
    await new Promise<void>((bound) => udp.bind(0, '127.0.0.1', bound));
  });
  beforeEach(() => {
    datagrams = 0;
    outside.seen.length = 0;
  });
  after(async () => {
    udp.close();
    await browser.close();
    await outside[Symbol.asyncDispose]();
  });

  const rtc = (): string =>
    `const c = new RTCPeerConnection({ iceServers: [{ urls: 'stun:127.0.0.1:${udp.address().port}' }] });` +
    `c.createDataChannel('x'); c.createOffer().then((offer) => c.setLocalDescription(offer));`;
  /** Ways to a connection, each a document. */
  const callers = (): string[] => [
    `<script>${rtc()}</script>`,
    `<script>${rtc().replace('RTCPeer', 'webkitRTCPeer')}</script>`,
    `<script type="module">function window() {} ${rtc()}</script>`,
    `<script>function globalThis() {} function self() {} ${rtc()}</script>`,
    `<script>function window() {} ${rtc()}</script><script>let window; ${rtc()}</script>`,
    `<img name="window"><body onload="${rtc()}"><svg onload="${rtc()}">`,
    `<svg><script>${rtc()}</script></svg>`,
    `<body><script>document.body.append(Object.assign(document.createElement('iframe'), { srcdoc: ${JSON.stringify(`<script>${rtc()}`)} + '</scr' + 'ipt>' }))</script>`,
    `<body><script>document.body.append(Object.assign(document.createElement('iframe'), { srcdoc: '<script>' + document.scripts[0].textContent + '</scr' + 'ipt>' })); ${rtc()}</script>`,
    `<body><script>const f = document.createElement('iframe'); document.body.append(f); const { RTCPeerConnection } = f.contentWindow; ${rtc()}</script>`,
    `<body><script>document.body.innerHTML = ${JSON.stringify(`<img src=x onerror="${rtc()}">`)}; const s = document.createElement('script'); s.textContent = ${JSON.stringify(rtc())}; document.body.append(s)</script>`,
    `<noscript><p title="</noscript><script>${rtc()}</script>"></noscript>`,
  ];

  it('none finds WebRTC, neither in the page nor in frames that it makes', async () => {
    await using preview = await PreviewPage.open(browser, { state: { scripts: true } });
    for (const [i, html] of callers().entries()) {
      await preview.show(`${html}<p>page ${i}.</p>`);
      await preview.result.getByText(`page ${i}.`).waitFor({ state: 'attached' });
    }
    await sleep(WAIT_MS);
    assert.equal(datagrams, 0);
  });

  it('the same scripts would find it in a frame without all this', async () => {
    const page = await browser.newPage();
    let reached = 0;
    for (const html of callers()) {
      datagrams = 0;
      const srcdoc = html.replaceAll('&', '&amp;').replaceAll('"', '&quot;');
      await page.setContent(`<iframe sandbox="allow-scripts" srcdoc="${srcdoc}"></iframe>`);
      for (const end = Date.now() + WAIT_MS; datagrams === 0 && Date.now() < end;) await sleep(10);
      if (datagrams > 0) reached++;
    }
    await page.close();
    assert.ok(reached >= callers().length / 2, `${reached} of ${callers().length}`);
  });

  it('those in the code run, as elements, modules and attributes; those that they add do not', async () => {
    const code =
      `<p>off</p><button onclick="this.textContent = event.type + ' </script> ' + (1 < 2)">button</button>` +
      `<script type="module">document.querySelector('button').title = 'module'</script>` +
      `<script type="application/json" id="data">{"a": 1}</script>` +
      `<script>document.querySelector('p').textContent = 'on ' + JSON.parse(document.getElementById('data').textContent).a;` +
      `fetch('${outside.origin}/fetch').catch(() => {}); new Image().src = '${outside.origin}/image';` +
      `new WebSocket('${outside.origin.replace('http', 'ws')}/socket'); navigator.sendBeacon('${outside.origin}/beacon');` +
      `import('data:text/javascript,document.title="added"').catch(() => {});` +
      `setTimeout("document.title = 'added'"); const added = document.createElement('script');` +
      `added.textContent = "document.title = 'added'"; document.head.append(added);</script>` +
      `<script src="${outside.origin}/script.js" integrity="sha256-x"></script>` +
      `<script type="speculationrules">{"prefetch":[{"urls":["${outside.origin}/prefetch"]}]}</script>`;
    await using off = await PreviewPage.open(browser, { code });
    assert.equal(await off.result.locator('p').innerText(), 'off');
    await off.page.getByLabel('Allow scripts in this preview').check();
    assert.deepEqual(await off.said(), [{ type: 'scripts', allowed: true }]);
    await using on = await PreviewPage.open(browser, { width: 1800, code, state: { scripts: true } });
    await on.result.getByText('on 1', { exact: true }).waitFor();
    await on.result.getByRole('button').click();
    await on.result.getByText('click </script> true').waitFor();
    assert.equal(await on.result.getByRole('button').getAttribute('title'), 'module');
    assert.equal(await on.result.locator('html').evaluate(() => document.title), '');
    assert.deepEqual(outside.seen, []);
    assert.deepEqual([...new Set(on.requests.filter((url) => !url.startsWith('data:')))], OWN_FILES);
  });

  it('they say nothing to the page in the name of the host', async () => {
    const state = JSON.stringify({ ...emptyState(), status: 'pwned' });
    const code = `<p>off</p><script>parent.postMessage({ type: 'state', state: ${state} }, '*');document.querySelector('p').textContent = 'sent';</script>`;
    await using preview = await PreviewPage.open(browser, { code, state: { scripts: true } });
    await preview.result.getByText('sent').waitFor();
    await preview.say({ type: 'code', code });
    assert.equal(await preview.page.getByRole('status').textContent(), emptyState().status);
  });
});
