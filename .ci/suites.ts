/** The suites of tests: which files each takes, and what they need. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NEWEST, OLDEST } from './codeServer.ts';
import { nodeBinary, root } from './nodeBinary.mjs';
import { packageTarget } from './package.ts';
import { runNode } from './steps.ts';

export interface Counts {
  passes: number;
  failures: number;
  pending: number;
  /** A line for each failure: the test's whole title and the error's message. */
  failed: string[];
}

/** What the reporter writes: counts by file, and the failures' lines. */
interface Report {
  files: Record<string, Omit<Counts, 'failed'>>;
  failed: string[];
}

/** Chromium's software Vulkan and its loader, so that the WebGPU tests run on machines without a GPU. */
export const SOFTWARE_VULKAN = {
  VK_DRIVER_FILES: '/usr/lib/chromium/vk_swiftshader_icd.json',
  VK_ICD_FILENAMES: '/usr/lib/chromium/vk_swiftshader_icd.json',
  LD_LIBRARY_PATH: '/usr/lib/chromium',
};
/** The environment of a window test that runs on this folder. */
export const THIS_FOLDER = { AIRGAP_EXTENSION: root };
export const WINDOW_TIMEOUT = ['--timeout', '120000'];

const UNIT_TESTS = ['dist/test/**/*.test.mjs', '--ignore', 'dist/test/{window,long,webview}/**'];
/** Matches the titles of tests that use a GPU. */
export const WEBGPU = 'webgpu|the GPU backend';
const WINDOW_TESTS = ['dist/test/window/**/*.test.mjs', ...WINDOW_TIMEOUT];

export const suites: Record<string, () => Promise<Counts> | Counts> = {
  /** Everything that needs no window and computes nothing on a GPU. */
  unit: () => mocha('unit tests', [...UNIT_TESTS, '--grep', WEBGPU, '--invert'], SOFTWARE_VULKAN),
  /** The same kernels and models on WebGPU; a software GPU takes as long as all the rest. */
  webgpu: () => mocha('unit tests on WebGPU', [...UNIT_TESTS, '--grep', WEBGPU], SOFTWARE_VULKAN),
  /** The chat page in a browser. */
  page: () => browser('the page in Chromium', ['dist/test/webview/**/*.test.mjs']),
  /** The WASM kernels and goldens on Node 22, whose V8 compiles them differently. */
  node22: () => {
    const files = ['dist/test/kernels/**/*.test.mjs', 'dist/test/engine/models/golden.test.mjs', '--grep', 'wasm'];
    return mocha('WASM on Node 22', files, {}, nodeBinary(`${process.platform}-${process.arch}`, 22));
  },
  /** Contexts of up to 128K tokens; takes minutes. */
  long: () => mocha('long contexts', ['dist/test/long/**/*.test.mjs'], SOFTWARE_VULKAN),
  /** The newest VS Code with the extension from this folder. */
  window: () => browser(`window tests, this folder in VS Code ${NEWEST}`, WINDOW_TESTS, THIS_FOLDER),
  /** The newest VS Code, clean, with the package installed. */
  vsix: async () => {
    const vsix = await packageTarget(`${process.platform}-${process.arch}`);
    return browser(`window tests, package in VS Code ${NEWEST}`, WINDOW_TESTS, { AIRGAP_EXTENSION: vsix });
  },
  /** The oldest VS Code that package.json allows, with the extension from this folder. */
  oldest: () => {
    console.log(
      `\nskipped: chatContext, chatCommands, models, pictureText and project tests: code-server ${OLDEST} comes without ripgrep and terminals` +
        `\nskipped: twoModels and firstMinute tests: they are about the models, and the newest has run them`,
    );
    const args = [
      ...WINDOW_TESTS,
      '--ignore',
      'dist/test/window/{chatContext,chatCommands,models,pictureText,project,twoModels,firstMinute}.test.mjs',
    ];
    const env = { ...THIS_FOLDER, AIRGAP_CODE_SERVER: OLDEST };
    return browser(`window tests, this folder in VS Code ${OLDEST}`, args, env);
  },
};

/**
 * Runs tests that drive a browser. They wait for programs that are not ours, so a file with a failure runs once more by
 * itself, and that run decides; what failed before is printed all the same.
 */
function browser(title: string, args: string[], env: NodeJS.ProcessEnv = {}): Counts {
  const first = report(title, args, env);
  const files = Object.keys(first.files).filter((file) => first.files[file]!.failures > 0);
  if (files.length === 0 || files.includes('')) return total(first);
  const options = args.filter((arg, i) => arg.startsWith('--t') || args[i - 1] === '--timeout');
  const second = report(`${title}: once more, what failed`, [...files, ...options], env);
  for (const line of first.failed) console.log(`failed at the first try: ${line}\n`);
  return total({ files: { ...first.files, ...second.files }, failed: second.failed });
}

function mocha(title: string, args: string[], env?: NodeJS.ProcessEnv, node?: string): Counts {
  return total(report(title, args, env, node));
}

function total({ files, failed }: Report): Counts {
  const sum = (kind: 'passes' | 'failures' | 'pending') =>
    Object.values(files).reduce((all, counts) => all + counts[kind], 0);
  return { passes: sum('passes'), failures: sum('failures'), pending: sum('pending'), failed };
}

/** Runs mocha in a process of its own. A run that ends without a report counts as one failure. */
function report(title: string, args: string[], env: NodeJS.ProcessEnv = {}, node = process.execPath): Report {
  console.log(`\n=== ${title} ===`);
  const failure = (line: string): Report => ({
    files: { '': { passes: 0, failures: 1, pending: 0 } },
    failed: [line],
  });
  const folder = mkdtempSync(join(tmpdir(), 'airgap-report-'));
  const file = join(folder, 'report.json');
  try {
    const tool = [join(root, 'node_modules/mocha/bin/mocha.js'), '--reporter', '.ci/reporter.cjs'];
    const code = runNode([...tool, ...args], { AIRGAP_TEST_REPORT: file, ...env }, node);
    const written = JSON.parse(readFileSync(file, 'utf8')) as Report;
    // For instance an error after the last test.
    if (code === 0 || written.failed.length > 0) return written;
    const ended = failure(`no test failed, but mocha ended with status ${code}`);
    return { files: { ...written.files, ...ended.files }, failed: ended.failed };
  } catch (error) {
    return failure(`ended without a report: ${String(error)}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
