/** Sentences on what the model is doing, and on how it ended. */
import * as vscode from 'vscode';
import type { Progress, WrittenCode } from './writeCode.ts';

/** Characters of an answer without code that are shown. */
const SHOWN_CHARS = 200;

export function progressText({ step, done, total }: Progress): string {
  const { t } = vscode.l10n;
  return step === 'images'
    ? t('Looking at the picture: part {0} of {1}', done, total)
    : t('Reading the question: {0} of {1} tokens', done, total);
}

/** How a version ended; `problem` where it is not what the user asked for. */
export function ending(written: WrittenCode): { sentence: string; problem: boolean; notes: string[] } {
  const { t } = vscode.l10n;
  const { stop, answer, code, furtherBlocks, cut, pictureDropped } = written;
  const notes = [
    ...(cut.length > 0 ? [t('Not everything fits in the context window of the model: {0}.', cut.join(', '))] : []),
    ...(pictureDropped ? [t('The picture no longer fits in the context window of the model.')] : []),
    ...(furtherBlocks > 0 ? [t('Further code blocks of the answer were left out: {0}.', furtherBlocks)] : []),
  ];
  if (code.trim() === '') return { sentence: noCode(answer), problem: true, notes };
  switch (stop) {
    case 'length':
      return { sentence: t('The answer reached the length limit. The code is incomplete.'), problem: true, notes };
    case 'repetition':
      return { sentence: t('The answer repeated itself and was stopped.'), problem: true, notes };
    case 'end':
    case 'text':
      return { sentence: t('The code is complete.'), problem: false, notes };
  }
}

function noCode(answer: string): string {
  const { t } = vscode.l10n;
  const words = answer.replace(/\s+/g, ' ').trim();
  if (words === '') return t('The model returned an empty answer.');
  const shown = words.length > SHOWN_CHARS ? `${words.slice(0, SHOWN_CHARS)} …` : words;
  return t('The answer contains no code: {0}', shown);
}
