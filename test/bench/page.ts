/** `npm run bench -- --page`: long tasks and frames of the chat page in Chromium while answers stream or are opened. */
import type { Browser } from 'playwright-core';
import type { PageMessage } from '../../webview/protocol.ts';
import { ChatPage, emptyState, message, startChromium } from '../webview/chatPage.ts';

const FILLER = 'It reads *each* line of `price.ts` and adds what [the table](https://example.com) says. ';
const codeLine = (n: number) => `  const value${n} = await compute(${n}, 'line ${n}'); // keeps ${n}\n`;
const code = (lines: number) => `\`\`\`ts\n${Array.from({ length: lines }, (_, n) => codeLine(n)).join('')}\`\`\`\n\n`;
/** Alternating prose, lists and code. */
const mixed = (lines: number) =>
  Array.from(
    { length: lines / 25 },
    (_, n) => `## Part ${n}\n\n${FILLER}\n\n- one\n- two\n- three\n\n${code(15)}`,
  ).join('');
const list = (lines: number) => Array.from({ length: lines }, (_, n) => `${n + 1}. ${FILLER}\n`).join('');
const prose = (lines: number) => FILLER.repeat(lines);

interface Figures {
  seconds: number;
  longestTaskMs: number;
  longTasks: number;
  slowestFrameMs: number;
  frames: number;
}

const browser = await startChromium({ frameRate: 'limited' });
const row = (name: string, { seconds, longestTaskMs, longTasks, slowestFrameMs, frames }: Figures) =>
  console.log(
    `${name.padEnd(58)} ${seconds.toFixed(2).padStart(6)} s  ${longTasks} tasks over 50 ms, longest ${longestTaskMs.toFixed(0)} ms; ` +
      `slowest frame ${slowestFrameMs.toFixed(0)} ms, ${(frames / seconds).toFixed(0)} per second`,
  );

row('an idle page', await streamed(browser, '', '', 0));
row('prose, 200 tokens/s, 5 s', await streamed(browser, '', prose(100).slice(0, 4000), 200));
row(
  'after 5,000 lines of prose and code, 200 tokens/s, 5 s',
  await streamed(browser, mixed(5000), mixed(100).slice(0, 4000), 200),
);
row(
  'after 5,000 lines of one code block, 200 tokens/s, 5 s',
  await streamed(browser, code(5000).slice(0, -5), code(100).slice(6, 4000), 200),
);
row('5,000 lines of prose and code, as fast as they come', await streamed(browser, '', mixed(5000), Infinity));
row('5,000 lines of one code block, as fast as they come', await streamed(browser, '', code(5000), Infinity));
row('5,000 lines of one list, as fast as they come', await streamed(browser, '', list(5000), Infinity));
row('an answer of 5,000 lines is opened', await opened(browser, [message('q1', 'x'), message('a1', mixed(5000))]));
row('a code block of 5,000 lines is opened', await opened(browser, [message('q1', 'x'), message('a1', code(5000))]));
row('1,000 messages are opened', await opened(browser, thousand()));
await browser.close();

function thousand(): PageMessage[] {
  return Array.from({ length: 1000 }, (_, n) =>
    message(n % 2 ? `a${n}` : `q${n}`, n % 2 ? `${FILLER.repeat(4)}\n\n${code(8)}` : 'Why?'),
  );
}

/** Streams parts of four characters at the given rate. At an infinite rate, 2,000 characters per frame. */
async function streamed(on: Browser, before: string, text: string, perSecond: number): Promise<Figures> {
  await using chat = await ChatPage.open(on, {
    state: { messages: [message('q1', 'x'), message('a1', before, { status: 'writing' })] },
  });
  await chat.page.waitForTimeout(before ? 4000 : 500);
  const run = async ({ parts, rate }: { parts: string[]; rate: number }) => {
    const from = performance.now();
    for (let next = 0; next < parts.length;) {
      await new Promise((done) => (rate === Infinity ? requestAnimationFrame(done) : setTimeout(done, 4)));
      const due = rate === Infinity ? next + 1 : ((performance.now() - from) / 1000) * rate;
      for (; next < Math.min(due, parts.length); next++)
        window.postMessage({ type: 'part', messageId: 'a1', text: parts[next] }, '*');
    }
  };
  const size = perSecond === Infinity ? 2000 : 4;
  const parts = Array.from({ length: Math.ceil(text.length / size) }, (_, n) => text.slice(n * size, (n + 1) * size));
  return await measured(chat, () => chat.page.evaluate(run, { parts, rate: perSecond }));
}

/** Opens a conversation and waits until every message is drawn. */
async function opened(on: Browser, messages: PageMessage[]): Promise<Figures> {
  await using chat = await ChatPage.open(on);
  await chat.page.waitForTimeout(500);
  return await measured(chat, () =>
    chat.page.evaluate(
      async ({ state, count }) => {
        window.postMessage({ type: 'state', state }, '*');
        while (
          document.querySelectorAll('article').length < count ||
          document.querySelector('.messages article:last-child .block') === null
        )
          await new Promise((done) => requestAnimationFrame(done));
      },
      { state: { ...emptyState(), conversationId: 'c2', messages }, count: messages.length },
    ),
  );
}

/** Long tasks and frames while `work` ran and in the second after it. */
async function measured({ page }: ChatPage, work: () => Promise<void>): Promise<Figures> {
  await page.evaluate(() => {
    const seen = { tasks: [] as number[], frames: [] as number[] };
    Object.assign(window, { seen });
    new PerformanceObserver((list) => seen.tasks.push(...list.getEntries().map(({ duration }) => duration))).observe({
      type: 'longtask',
    });
    const frame = (now: number) => {
      seen.frames.push(now);
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  });
  const from = performance.now();
  await work();
  const workMs = performance.now() - from;
  await page.waitForTimeout(1000);
  const { tasks, frames } = await page.evaluate(
    () => (window as unknown as { seen: { tasks: number[]; frames: number[] } }).seen,
  );
  const gaps = frames.slice(1).map((at, index) => at - frames[index]!);
  const figures = {
    longestTaskMs: Math.max(0, ...tasks),
    longTasks: tasks.length,
    slowestFrameMs: Math.max(0, ...gaps),
  };
  return { ...figures, seconds: workMs / 1000, frames: frames.filter((at) => at < frames[0]! + workMs).length };
}
