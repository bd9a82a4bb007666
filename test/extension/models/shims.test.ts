import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { shimFiles, terminalVariables, writeShims } from '../../../extension/models/shims.ts';

const HOST = { folder: '/bin of mine', node: '/node', programFile: '/airgap.cjs' };

describe('the files by which a terminal finds airgap', () => {
  it('Windows has one for cmd and PowerShell, with line ends of its own, and one for shells of Unix kind', () => {
    assert.deepEqual(shimFiles('win32'), {
      airgap: '#!/bin/sh\nexec "$AIRGAP_NODE" "$AIRGAP_PROGRAM" "$@"\n',
      'airgap.cmd': '@echo off\r\n"%AIRGAP_NODE%" "%AIRGAP_PROGRAM%" %*\r\n',
    });
    for (const platform of ['linux', 'darwin'] as const) assert.deepEqual(Object.keys(shimFiles(platform)), ['airgap']);
  });

  for (const [title, platform, env, expected] of [
    ['Linux', 'linux', { PATH: '/usr/bin' }, { PATH: '/bin of mine:/usr/bin' }],
    ['Windows, in its own spelling', 'win32', { Path: 'C:\\Windows' }, { Path: '/bin of mine;C:\\Windows' }],
    ['no path at all', 'darwin', {}, { PATH: '/bin of mine' }],
  ] as const) {
    it(`the folder comes first on the path: ${title}`, () => {
      assert.deepEqual(terminalVariables({ ...HOST, platform, env }), {
        ...{ ...expected, AIRGAP_NODE: '/node', AIRGAP_PROGRAM: '/airgap.cjs' },
      });
    });
  }

  it('runs the program, with its arguments as they are and its status', async function () {
    if (process.platform === 'win32') this.skip();
    const root = mkdtempSync(join(tmpdir(), 'airgap shims '));
    try {
      const [folder, programFile] = [join(root, 'bin'), join(root, 'a $(b) "c".cjs')];
      writeFileSync(programFile, 'console.log(JSON.stringify(process.argv.slice(2))); process.exitCode = 3;');
      await writeShims(folder, process.platform);
      await writeShims(folder, process.platform);
      assert.equal(statSync(folder).mode & 0o777, 0o700);
      const { platform, env, execPath: node } = process;
      const variables = terminalVariables({ folder, platform, env, node, programFile });
      const run = (): unknown => execFileSync('airgap', ['models', `a 'b' "c" $d`], { env: { ...env, ...variables } });
      assert.throws(run, (error: { status: number; stdout: Buffer }) => {
        assert.deepEqual([error.status, JSON.parse(error.stdout.toString())], [3, ['models', `a 'b' "c" $d`]]);
        return true;
      });
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});
