/** The suites of tests: which files each takes, and what they need. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NEWEST, OLDEST } from './codeServer.ts';
import { nodeBinary, root } from './nodeBinary.mjs';
import { packageTarget } from './package.ts';
import { SWIFTSHADER, lavapipe } from './gpu/software.ts';
import { runNode } from './steps.ts';

interface Tally {
  passes: number;
  failures: number;
  pending: number;
}

export interface Counts extends Tally {
  /** A line for each failure: the test's whole title and the error's message. */
  failed: string[];
  /** Likewise, of a first try behind which the file ran once more. */
  failedFirst: string[];
}

/** What the reporter writes: counts by file, and the failures' lines. */
interface Report {
  files: Record<string, Tally>;
  failed: string[];
}

/** The environment of a window test that runs on this folder. */
export const THIS_FOLDER = { AIRGAP_EXTENSION: root };
export const WINDOW_TIMEOUT = ['--timeout', '120000'];

/** What a suite runs: files, mocha's options, and where. */
interface Run {
  files: readonly string[];
  options?: readonly string[];
  env?: NodeJS.ProcessEnv;
  /** Node itself where not this one. */
  node?: string;
  /** Two files at a time, since most tests keep one core busy. Not windows, whose tests wait for programs. */
  parallel?: boolean;
}

const UNIT_TESTS = {
  files: ['dist/test/**/*.test.mjs'],
  options: ['--ignore', 'dist/test/{window,long,webview}/**'],
  env: SWIFTSHADER,
  parallel: true,
};
/** Matches the titles of tests that use a GPU. */
export const WEBGPU = 'webgpu|the GPU backend';
/** Of these, what SwiftShader cannot test, and the operations' table; each in few formats, since shaders compile for seconds. */
const ONLY_ON_LAVAPIPE = {
  files: ['ops', 'gpu/variants', 'gpu/tuner'].map((name) => `dist/test/kernels/${name}.test.mjs`),
  options: [
    '--grep',
    [
      'operations on webgpu (?!at|linear .* (?!q4 |q4$)(f|q)\\d)',
      '(by subgroups of|f16 in tiles of).* (q4|q6m): ',
      'the tuner of the products on webgpu',
    ].join('|'),
  ],
  parallel: true,
};
const WINDOW_TESTS = { files: ['dist/test/window/**/*.test.mjs'], options: WINDOW_TIMEOUT };

export const suites: Record<string, () => Promise<Counts> | Counts> = {
  /** Everything that needs no window and computes nothing on a GPU. */
  unit: () => run('unit tests', { ...UNIT_TESTS, options: [...UNIT_TESTS.options, '--grep', WEBGPU, '--invert'] }),
  /** The same kernels and models on WebGPU; a software GPU takes as long as all the rest. */
  webgpu: () => run('unit tests on WebGPU', { ...UNIT_TESTS, options: [...UNIT_TESTS.options, '--grep', WEBGPU] }),
  /** What has f16 and subgroups, on a second software GPU, where there is one. */
  lavapipe: () => onLavapipe('kernels on lavapipe', ONLY_ON_LAVAPIPE),
  /** All of `webgpu` there. The first time, shaders compile for long. */
  lavapipeAll: () => {
    const options = [...UNIT_TESTS.options, '--grep', WEBGPU, '--require', '.ci/gpu/patient.cjs'];
    return onLavapipe('unit tests on lavapipe', { ...UNIT_TESTS, options });
  },
  /** The chat page in a browser. */
  page: () => run('the page in Chromium', { files: ['dist/test/webview/**/*.test.mjs'] }),
  /** The WASM kernels and goldens on Node 22, whose V8 compiles them differently. */
  node22: () => {
    const files = ['dist/test/kernels/**/*.test.mjs', 'dist/test/engine/models/golden.test.mjs'];
    const node = nodeBinary(`${process.platform}-${process.arch}`, 22);
    return run('WASM on Node 22', { files, options: ['--grep', 'wasm'], node, parallel: true });
  },
  /** Contexts of up to 128K tokens; takes minutes. */
  long: () => run('long contexts', { files: ['dist/test/long/**/*.test.mjs'], env: SWIFTSHADER, parallel: true }),
  /** The newest VS Code with the extension from this folder. */
  window: () => run(`window tests, this folder in VS Code ${NEWEST}`, { ...WINDOW_TESTS, env: THIS_FOLDER }),
  /** The newest VS Code, clean, with the package installed. */
  vsix: async () => {
    const vsix = await packageTarget(`${process.platform}-${process.arch}`);
    return run(`window tests, package in VS Code ${NEWEST}`, { ...WINDOW_TESTS, env: { AIRGAP_EXTENSION: vsix } });
  },
  /** The oldest VS Code that package.json allows, with the extension from this folder. */
  oldest: () => {
    console.log(
      `\nskipped: chatContext, chatCommands, models, pictureText and project tests: code-server ${OLDEST} comes without ripgrep and terminals` +
        `\nskipped: twoModels and firstMinute tests: they are about the models, and the newest has run them`,
    );
    const left =
      'dist/test/window/{chatContext,chatCommands,models,pictureText,project,twoModels,firstMinute}.test.mjs';
    return run(`window tests, this folder in VS Code ${OLDEST}`, {
      ...WINDOW_TESTS,
      options: [...WINDOW_TIMEOUT, '--ignore', left],
      env: { ...THIS_FOLDER, AIRGAP_CODE_SERVER: OLDEST },
    });
  },
};

function onLavapipe(title: string, suite: Run): Counts {
  const env = lavapipe();
  if (typeof env !== 'string') return run(title, { ...suite, env });
  console.log(`\nskipped: ${title}: ${env}`);
  return { passes: 0, failures: 0, pending: 1, failed: [], failedFirst: [] };
}

/**
 * Runs a suite. Tests wait for processes, timers and programs that are not ours, so a file with a failure runs once more
 * by itself, and that run decides; what failed before is printed all the same, also at the end.
 */
function run(title: string, suite: Run): Counts {
  const first = report(title, suite);
  const files = Object.keys(first.files).filter((file) => first.files[file]!.failures > 0);
  const again = files.length > 0 && !files.includes('');
  const second = again ? report(`${title}: once more, what failed`, { ...suite, files, parallel: false }) : first;
  const counts = Object.values({ ...first.files, ...second.files });
  const sum = (kind: keyof Tally) => counts.reduce((all, each) => all + each[kind], 0);
  return {
    passes: sum('passes'),
    failures: sum('failures'),
    pending: sum('pending'),
    failed: second.failed,
    failedFirst: again ? first.failed : [],
  };
}

/** Runs mocha in a process of its own. A run that ends without a report counts as one failure. */
function report(title: string, { files, options = [], env, node = process.execPath, parallel }: Run): Report {
  console.log(`\n=== ${title} ===`);
  const failure = (line: string): Report => ({
    files: { '': { passes: 0, failures: 1, pending: 0 } },
    failed: [line],
  });
  const folder = mkdtempSync(join(tmpdir(), 'airgap-report-'));
  const file = join(folder, 'report.json');
  try {
    const tool = [join(root, 'node_modules/mocha/bin/mocha.js'), '--reporter', '.ci/reporter.cjs'];
    const jobs = parallel ? ['--parallel', '--jobs', '2'] : [];
    const code = runNode([...tool, ...jobs, ...files, ...options], { AIRGAP_TEST_REPORT: file, ...env }, node);
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
