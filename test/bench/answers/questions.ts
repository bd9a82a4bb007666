/**
 * `npm run bench -- answers MODEL`: a chat model's answers to 60 questions about files of this repository, and 8 about
 * nothing, with the chat's own instructions and limits. Prints what the rubric counts; `--out` keeps the answers.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { root } from '../../../.ci/nodeBinary.mjs';
import { answerChat } from '../../../engine/chat/answer.ts';
import { addModelOptions, loadOptions, type ModelOptions, wholeNumber } from '../../../engine/cli/options.ts';
import { addSamplingOptions, samplingOf, type SamplingOptions } from '../../../engine/cli/samplingOptions.ts';
import { loadModel } from '../../../engine/load/loadModel.ts';
import type { LoadedModel } from '../../../engine/load/loadedModel.ts';
import { textTurn } from '../../../engine/wire/chatTurns.ts';
import type { ChatPart } from '../../../engine/wire/protocol.ts';
import { forSmallModel, type Manner, mannerForSmallModel } from '../../../extension/chat/answer/smallModel.ts';
import { SYSTEM } from '../../../extension/chat/answer/prompt.ts';
import { type Judged, judge } from './rubric.ts';

interface Question {
  /** What it is about, relative to the repository's root; absent where nothing is given. */
  readonly file?: string;
  readonly question: string;
}

interface Asked extends Question {
  /** The file's; empty where nothing is given. */
  readonly text: string;
}

type Answered = Asked & { readonly answer: string; readonly judged: Judged };

interface Options extends ModelOptions, SamplingOptions {
  every: number;
  small?: boolean;
  out?: string;
}

/** No model is asked: extension/chat/answer/answering.ts says that no code is attached. */
const SAID_BY_THE_CHAT: Judged = { ends: 'chat', noLoop: true, symbols: [], invented: [], saysSo: true };
/** As the setting of the chat. */
const MAX_TOKENS = 1024;

export function addAnswers(program: Command, signal: AbortSignal): void {
  const command = program
    .command('answers <model>')
    .description('ask a chat model about files of this repository, and count what is wrong with its answers')
    .option('--every <count>', 'ask only each question of this count', wholeNumber(1), 1)
    .option('--small', 'ask as the chat asks the small chat model')
    .option('--out <file>', 'write the answers to this Markdown file');
  addModelOptions(addSamplingOptions(command)).action(async (folder: string, options: Options) => {
    const all = JSON.parse(
      readFileSync(join(root, 'test/bench/answers/questions.json'), 'utf8'),
    ) as readonly Question[];
    // A file that is missing is found before the first of many minutes.
    const questions = all.filter((_, index) => index % options.every === 0).map(withText);
    const model = await loadModel(folder, loadOptions(options, signal));
    const rows: Answered[] = [];
    try {
      for (const [index, question] of questions.entries()) {
        const sampling = { ...samplingOf(options), seed: options.seed + index };
        const manner = options.small ? mannerForSmallModel(question.question) : {};
        rows.push({ ...question, ...(await ask(model, question, { sampling, manner }, signal)) });
        if (process.stderr.isTTY) process.stderr.write(`\r${index + 1} of ${questions.length}`);
        if (options.out) writeFileSync(options.out, report(rows));
      }
    } finally {
      await model.dispose();
    }
    console.log(`\n${figures(rows)}`);
  });
}

function withText(question: Question): Asked {
  const { file } = question;
  return { ...question, text: file === undefined ? '' : readFileSync(join(root, file), 'utf8') };
}

async function ask(
  model: LoadedModel,
  { file, question, text }: Asked,
  { sampling, manner }: { sampling: SamplingOptions; manner: Manner },
  signal: AbortSignal,
): Promise<{ answer: string; judged: Judged }> {
  const { system = SYSTEM, maxSentences, needsCode } = manner;
  if (needsCode && file === undefined) return { answer: '', judged: SAID_BY_THE_CHAT };
  const asked = maxSentences === undefined ? question : forSmallModel(question);
  let answer = '';
  const { stop, kept } = await answerChat(
    model,
    model.createSession(),
    {
      messages: [textTurn('system', system), textTurn('user', asked)],
      sources: file === undefined ? [] : [{ name: file, text }],
      maxTokens: MAX_TOKENS,
      ...(maxSentences === undefined ? {} : { maxSentences }),
      sampling: { ...manner.sampling, ...sampling },
    },
    signal,
    (part: ChatPart) => {
      if (part.type === 'text') answer += part.text;
    },
  );
  answer = answer.slice(0, kept);
  return { answer, judged: judge(answer, stop, `${file} ${question} ${text}`) };
}

function report(rows: readonly Answered[]): string {
  return `${figures(rows)}\n\n${rows.map(section).join('\n\n')}\n`;
}

/** How many answers meet each line of the rubric. */
function figures(rows: readonly Answered[]): string {
  const about = rows.filter(({ file }) => file !== undefined).map(({ judged }) => judged);
  const nothing = rows.filter(({ file }) => file === undefined).map(({ judged }) => judged);
  const all = [...about, ...nothing];
  const line = (title: string, of: readonly Judged[], holds: (judged: Judged) => boolean): string =>
    `${title}: ${of.filter(holds).length} of ${of.length}`;
  const named = about.flatMap(({ symbols }) => symbols).length;
  const invented = about.flatMap((judged) => judged.invented).length;
  return [
    line('ends', all, ({ ends }) => ends !== undefined),
    line('  by itself', all, ({ ends }) => ends === 'itself'),
    line('  behind the second sentence, where the chat ends it', all, ({ ends }) => ends === 'limit'),
    line('  where it began to repeat itself, where the chat ends it', all, ({ ends }) => ends === 'repetition'),
    line('  in place of the model, the chat says that no code is attached', all, ({ ends }) => ends === 'chat'),
    line('no loop', all, ({ noLoop }) => noLoop),
    line('names only what it was given', about, (judged) => judged.invented.length === 0),
    line('names at least two symbols of it', about, (judged) => judged.symbols.length - judged.invented.length >= 2),
    line('says so where nothing was given', nothing, ({ saysSo }) => saysSo),
    `symbols: ${named} named, ${invented} invented`,
  ].join('\n');
}

function section({ file, question, answer, judged }: Answered): string {
  const faults = [
    ...(judged.ends === undefined ? ['does not end'] : judged.ends === 'repetition' ? ['began to repeat itself'] : []),
    ...(judged.noLoop ? [] : ['loops']),
    ...(judged.invented.length > 0 ? [`invents ${judged.invented.join(', ')}`] : []),
  ];
  if (judged.ends === 'chat') return `## ${question}\n\nNothing was given; the chat says so.`;
  const quoted = answer.trim().replace(/^/gm, '> ');
  return `## ${question}\n\n${file ?? 'Nothing was given.'}${faults.length > 0 ? ` (${faults.join('; ')})` : ''}\n\n${quoted}`;
}
