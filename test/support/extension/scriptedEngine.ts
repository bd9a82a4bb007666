/** A stand-in for the engine whose answers are exact texts. Window tests have it started as the product starts its own. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import type { ChatImage, ChatParams } from '../../../engine/wire/protocol.ts';

export interface ScriptRule {
  /** A regular expression for the last question with its sources. The first rule that matches applies. */
  when: string;
  /** The whole answer. When the conversation ends with its beginning, the rest is answered. */
  answer?: string;
  /** Number of characters per part; 8 when absent. */
  chunk?: number;
  /** Milliseconds before each part. */
  delayMs?: number;
  /** The process kills itself after this number of parts. */
  crash?: number;
  /** Whether the call never ends after the answer. */
  hang?: boolean;
}

/** A call of `chat`; the last question contains its sources. */
export interface ScriptedRequest {
  readonly sessionId: string;
  readonly maxTokens: number;
  readonly sampling?: ChatParams['sampling'];
  readonly messages: { readonly role: string; readonly text: string; readonly images: ChatImage[] }[];
}

export interface ScriptedEngine {
  /** Value for the setting airgap.engine.nodePath: a program that runs the stand-in instead of any engine.cjs. */
  readonly nodePath: string;
  /** Replaces the rules, from the next answer on. */
  answer(rules: readonly ScriptRule[]): void;
  /** All calls of `chat` so far. */
  requests(): ScriptedRequest[];
  remove(): void;
}

/**
 * Bundles a ScriptedServer and gives the program that starts it. A window would join an engine that runs already at the
 * address of the product's build instead, so the test needs a run directory of its own. Not for Windows.
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
