import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { anonymous } from '../../../extension/selfTest/anonymous.ts';
import { GOLDENS } from '../../../extension/selfTest/goldens.ts';
import { probeRuntime } from '../../../extension/selfTest/probeEngine.ts';
import { selfTestReport } from '../../../extension/selfTest/report.ts';
import { completeOnce } from '../../../engine/document/completeOnce.ts';
import { loadModel } from '../../../engine/load/loadModel.ts';
import { SyntaxErrors } from '../../../engine/syntax/syntaxErrors.ts';
import { type EngineHost, engineHost, removeHost } from '../../support/extension/engineHost.ts';

const MODEL = 'media/starter';
/** In parts, as no file of ours names such a place. */
const HOME = ['', 'home', 'ada'].join('/');

describe('self-test', function () {
  this.timeout(120_000);
  const names = {
    paths: [HOME, `${HOME}/ext/airgap`, 'C:\\Users\\Ada Lovelace', '/tmp'],
    user: 'ada',
    host: 'analytical-engine',
  };
  const CASES: [said: string, shown: string][] = [
    ['see /tmp/airgap-1000/a.log.', 'see <path>'],
    [`${HOME}/ext/airgap/dist/node is missing`, '<path> is missing'],
    ['/opt/node-24/bin/node cannot run', '<path> cannot run'],
    ['file:///opt/x and ~/y and (/z/w)', '<path> and <path> and (<path>)'],
    ['c:\\users\\ada lovelace\\AppData\\a.node, D:/b/c and \\\\server\\share\\x', '<path>, <path> and <path>'],
    ['Ada on ANALYTICAL-ENGINE', '<user> on <host>'],
    ['Canada: 12 tokens/s, adapter: llvmpipe', 'Canada: 12 tokens/s, adapter: llvmpipe'],
  ];
  for (const [said, shown] of CASES) {
    it(`names no place and nobody: ${said}`, () => assert.equal(anonymous(said, names), shown));
  }

  it('the goldens are what plain arithmetic completes', async () => {
    const model = await loadModel(MODEL, { backend: 'reference', signal: new AbortController().signal });
    const syntax = new SyntaxErrors(resolve('dist'), assert.fail);
    try {
      for (const { params, text } of GOLDENS) {
        const { generate } = model.createSession();
        const result = await completeOnce(model, { generate, syntax }, params, new AbortController().signal);
        assert.equal(result.text, text);
      }
    } finally {
      await model.dispose();
    }
  });

  describe('of engines', () => {
    let host: EngineHost;
    before(async () => (host = await engineHost(resolve('dist/engine.cjs'))));
    after(() => removeHost(host, []));
    const probe = (program: string, model = resolve(MODEL)) =>
      probeRuntime(
        { program, electronAsNode: false },
        { launch: host, model, allowSoftwareGpu: false, signal: new AbortController().signal },
      );

    it('one that runs, with the backends that work here', async () => {
      const probed = await probe(process.execPath);
      const wasm = probed.backends.find(({ backend }) => backend === 'wasm')!;
      assert.deepEqual([probed.problem, wasm.usable, wasm.right], ['', true, GOLDENS.length]);
      const text = selfTestReport({
        ...{ environment: ['E'], notes: ['N'], runtimes: [probed], seconds: 1, ended: '' },
        ghostText: { shown: true, ms: 5, problem: '' },
      });
      assert.match(text, /- ok: wasm, 3 of 3 completions as expected/);
      assert.match(text, /No program that was tried is blocked\./);
    });

    it('a program that may not run, and a model that cannot be loaded, are said', async () => {
      const blocked = await probe('/etc/passwd');
      assert.match(blocked.problem, /this machine does not allow it to run/);
      const broken = await probe(process.execPath, '/nowhere');
      const text = selfTestReport({
        ...{ environment: [], notes: [], runtimes: [blocked, broken], seconds: 1, ended: 'It was cancelled.' },
        ghostText: { shown: false, ms: 1, problem: '' },
      });
      assert.match(text, /^\*\*It was cancelled\.\*\*$/m);
      assert.match(text, /An allow-list of programs\n\nIt blocks Node\./);
      assert.match(text, /- wasm: not usable\. .*nowhere/);
      assert.match(text, /- FAILED: none was shown/);
    });
  });
});
