/** The real engine process whose answers stand in the file AIRGAP_SCRIPT; see scriptedEngine.ts, which starts it. */
import { appendFileSync, readFileSync } from 'node:fs';
import type { EngineCore } from '../../../engine/serve/core.ts';
import { runEngine } from '../../../engine/process/engineProcess.ts';
import { lineAt } from '../../../engine/prompt/lines.ts';
import type { ChatParams, FitSource, FittedSource } from '../../../engine/wire/protocol.ts';
import { version } from '../../../package.json';
import { crash, fakeCore, FIGURES, FIT_CHARACTERS, hang, lastQuestion, tokensOf } from '../engine/fakeCore.ts';
import type { ScriptRule } from './scriptedEngine.ts';

const script = process.env['AIRGAP_SCRIPT']!;
const DEFAULT_CHUNK = 8;
/** Until what was said has left the process. */
const SENDING_MS = 100;

/** The first rule whose `when` the last question matches. Read anew each time, so that a test may change it. */
function ruleFor(question: string): ScriptRule {
  const rules = JSON.parse(readFileSync(script, 'utf8')) as ScriptRule[];
  return rules.find(({ when }) => RegExp(when).test(question)) ?? { when: '', answer: `No rule for: ${question}` };
}

/** What is still to be said: a begun answer goes on where it is the beginning of the rule's. */
function restOf(answer: string, { messages }: ChatParams): string {
  const last = messages.at(-1)!;
  return last.role === 'assistant' && answer.startsWith(last.text) ? answer.slice(last.text.length) : answer;
}

/** The first whole lines, and a note in place of the others. */
function cut({ text }: FitSource): FittedSource {
  const totalLines = lineAt(text, text.length);
  const tokensWhole = tokensOf(text);
  if (text.length <= FIT_CHARACTERS) {
    return { text, lines: [[1, totalLines]], totalLines, tokensWhole, tokens: tokensWhole };
  }
  const kept = text.slice(0, text.lastIndexOf('\n', FIT_CHARACTERS) + 1);
  const last = kept.split('\n').length - 1;
  const shown = `${kept}[left out: lines ${last + 1}-${totalLines}]`;
  const lines: [number, number][] = last > 0 ? [[1, last]] : [];
  return { text: shown, lines, totalLines, tokensWhole, tokens: tokensOf(shown) };
}

const core: EngineCore = {
  ...fakeCore,
  chat: async (params, _model, _session, signal, onPart) => {
    appendFileSync(`${script}.requests`, `${JSON.stringify(params)}\n`);
    const question = lastQuestion(params.messages);
    const { answer = '', chunk = DEFAULT_CHUNK, delayMs = 0, crash: crashAfter, hang: hangs } = ruleFor(question);
    const rest = restOf(answer, params);
    let parts = 0;
    for (let at = 0; at < rest.length; at += chunk, parts++) {
      if (parts === crashAfter) break;
      if (delayMs > 0 || parts % 100 === 99) await hang(signal, delayMs);
      onPart({ text: rest.slice(at, at + chunk) });
    }
    if (crashAfter !== undefined) {
      await hang(signal, SENDING_MS);
      crash();
    }
    if (hangs) await hang(signal);
    const figures = { ...FIGURES, tokensGenerated: tokensOf(rest), tokensPrefilled: tokensOf(question) };
    return { ...figures, stop: 'end', messagesDropped: 0 };
  },
  fit: async (params, model, signal) => {
    const { tokensLimit } = await fakeCore.fit(params, model, signal);
    const sources = params.sources.map(cut);
    const tokensUsed = [...params.messages, ...sources].reduce((sum, { text }) => sum + tokensOf(text), 0);
    return { sources, tokensUsed, tokensLimit, messagesDropped: 0 };
  },
};

void runEngine(core, version);
