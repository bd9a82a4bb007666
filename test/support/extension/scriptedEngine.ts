/** A stand-in for the engine whose chat answers are exact texts; tests in a window start it as the product starts its own. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import type { ChatParams } from '../../../engine/wire/protocol.ts';

export interface ScriptRule {
  /** A regular expression for the last question, its sources among it; the first rule that matches counts. */
  when: string;
  /** A begun answer that is the start of it is continued. */
  answer?: string;
  /** Characters per part; 8 where absent. */
  chunk?: number;
  /** Before each part. */
  delayMs?: number;
  /** The process kills itself after so many parts. */
  crash?: number;
  /** Never ends behind the answer. */
  hang?: boolean;
}

/** A call of `chat`; the last question contains its sources. */
export interface ScriptedRequest {
  readonly sessionId: string;
  readonly maxTokens: number;
  readonly sampling?: ChatParams['sampling'];
  readonly messages: { readonly role: string; readonly text: string }[];
}

export interface ScriptedEngine {
  /** For the setting airgap.engine.nodePath: runs the stand-in, whichever engine.cjs it is given. */
  readonly nodePath: string;
  /** From the next answer on. */
  answer(rules: readonly ScriptRule[]): void;
  /** What was asked so far. */
  requests(): ScriptedRequest[];
  remove(): void;
}

/**
 * Completions echo the last line in capitals; `fit` keeps FIT_CHARACTERS of a source, in whole lines; a token is four
 * characters. Not for Windows. An engine that runs already at
 * the address of the product's build would be joined instead: give the test a run directory of its own.
 */
export function scriptedEngine(rules: readonly ScriptRule[]): ScriptedEngine {
  const folder = mkdtempSync(join(tmpdir(), 'airgap-scripted-'));
  const [nodePath, engine, script] = ['node', 'engine.cjs', 'script.json'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const options = { bundle: true, platform: 'node', format: 'cjs', logLevel: 'warning' } as const;
  buildSync({ ...options, entryPoints: ['test/support/extension/scriptedEngineMain.ts'], outfile: engine });
  const answer = (next: readonly ScriptRule[]): void => writeFileSync(script, JSON.stringify(next));
  answer(rules);
  const exec = `AIRGAP_SCRIPT='${script}' exec '${process.execPath}' '${engine}' "$@"`;
  writeFileSync(nodePath, `#!/bin/sh\nshift\n${exec}\n`, { mode: 0o755 });
  return {
    nodePath,
    answer,
    requests: () => {
      const file = `${script}.requests`;
      if (!existsSync(file)) return [];
      const lines = readFileSync(file, 'utf8').trim().split('\n');
      return lines.map((line) => JSON.parse(line) as ScriptedRequest);
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
