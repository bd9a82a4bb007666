/** Measures llama.cpp in WebAssembly in headless Chromium, as npm's @wllama/wllama builds it. */
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { type Page, chromium } from 'playwright-core';
import { processTree } from '../../../.ci/processes.ts';
import { CONTEXT_TOKENS, type Speeds, measure } from './measure.ts';

/** The part of the package's interface that the page uses. */
interface Wllama {
  loadModel(files: Blob[], options: object): Promise<void>;
  createCompletion(options: object): Promise<{ timings: Timings }>;
  getNumThreads(): number;
}
interface Timings {
  prompt_n: number;
  prompt_per_second: number;
  predicted_per_second: number;
}
type PageWindow = typeof globalThis & { wllama: Wllama };

const TYPES: Record<string, string> = { '.js': 'text/javascript', '.wasm': 'application/wasm' };
const PAGE = '<!doctype html><input id=files type=file multiple>';
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-background-networking'];

await measure(async ({ packages, files, threads, chromium: executablePath }) => {
  const server = await serve(join(packages, 'node_modules/@wllama/wllama/esm'));
  const browser = await chromium.launch({ executablePath: executablePath!, headless: true, args: FLAGS });
  const page = await browser.newPage();
  page.setDefaultTimeout(0);
  page.on('crash', () => {
    console.error('The page crashed.');
    process.exit(1);
  });
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  await page.setInputFiles('#files', [...files]);
  const processes = (await processTree(process.pid)).map(({ pid }) => pid);
  return {
    load: () => load(page, threads),
    run: (promptTokens, tokens) => complete(page, promptTokens, tokens),
    peakBytes: () => (process.platform === 'linux' ? Math.max(...processes.map(peakOf)) : undefined),
    async close() {
      await browser.close();
      server.close();
    },
  };
});

async function load(page: Page, threads: number): Promise<void> {
  const used = await page.evaluate(
    async ({ threads, context }) => {
      const { Wllama } = await import('/index.js' as string);
      const wllama = new Wllama({ default: '/wasm/wllama.wasm' }, { suppressNativeLog: true }) as Wllama;
      (globalThis as PageWindow).wllama = wllama;
      await wllama.loadModel(Array.from(document.querySelector('input')!.files!), {
        n_gpu_layers: 0,
        n_threads: threads,
        n_ctx: context,
        n_batch: 512,
        n_parallel: 1,
        flash_attn: true,
        warmup: false,
      });
      return wllama.getNumThreads();
    },
    { threads, context: CONTEXT_TOKENS },
  );
  if (used !== threads) throw new Error(`wllama took ${used} threads instead of ${threads}.`);
}

/** Speeds by llama.cpp's own clock. */
async function complete(page: Page, promptTokens: number, tokens: number): Promise<Speeds> {
  // Every letter is a token; the begin token and a leading space are added to them.
  const letters = Array.from({ length: promptTokens - 2 }, () => String.fromCharCode(97 + 26 * Math.random()));
  const options = { prompt: letters.join(''), max_tokens: tokens, temperature: 0, ignore_eos: true };
  const { timings } = await page.evaluate((options) => (globalThis as PageWindow).wllama.createCompletion(options), {
    ...options,
    cache_prompt: false,
  });
  if (timings.prompt_n !== promptTokens) throw new Error(`wllama read ${timings.prompt_n} tokens of ${promptTokens}.`);
  return { prefillPerSecond: timings.prompt_per_second, decodePerSecond: timings.predicted_per_second };
}

/** Serves the package's files with the headers that shared memory requires. */
function serve(folder: string): Promise<Server> {
  const headers = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url!, 'http://localhost').pathname);
    const file = join(folder, path);
    if (path === '/') response.writeHead(200, { ...headers, 'Content-Type': 'text/html' }).end(PAGE);
    else if (!existsSync(file)) response.writeHead(404, headers).end();
    else {
      response.writeHead(200, { ...headers, 'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream' });
      createReadStream(file).pipe(response);
    }
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

/** Peak resident memory of a process in bytes; 0 where the system does not report it. */
function peakOf(pid: number): number {
  const file = `/proc/${pid}/status`;
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  return 1024 * Number(/^VmHWM:\s+(\d+)/m.exec(text)?.[1] ?? 0);
}
