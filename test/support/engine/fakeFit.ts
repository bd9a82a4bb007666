/** Fits sources as the engine does, by a rule that a test can foresee. */
import { questionText } from '../../../engine/chat/questionText.ts';
import { textOf } from '../../../engine/wire/chatTurns.ts';
import type { ChatSource, ChatTurn, FitResult, FittedSource } from '../../../engine/wire/protocol.ts';

export interface FakeFitRule {
  readonly contextLength: number;
  /** Number of tokens in a text. */
  count(text: string): number;
  /** What remains of a text, and its lines. */
  keep(text: string): { text: string; lines: [first: number, last: number][] };
  /** Messages that the window drops. */
  readonly messagesDropped?: number;
}

export function fakeFit(
  {
    messages,
    sources,
    maxTokens,
  }: { messages: readonly ChatTurn[]; sources: readonly ChatSource[]; maxTokens: number },
  { contextLength, count, keep, messagesDropped = 0 }: FakeFitRule,
): { fit: FitResult; question: string } {
  const firstKept = messagesDropped + (messages[0]!.role === 'system' ? 1 : 0);
  const all = sources.map((source) => {
    const held = source.heldBy !== undefined && source.heldBy >= firstKept;
    return { source, held, ...(held ? { text: '', lines: [] } : keep(source.text)) };
  });
  const fitted = all.map(({ source, held, text, lines }): FittedSource => {
    const totalLines = source.text.split('\n').length;
    return { lines, totalLines, tokensWhole: count(source.text), tokens: count(text), held };
  });
  const used = [...messages.map(textOf), ...all.map(({ text }) => text)];
  const quoted = all
    .filter(({ text }) => text !== '')
    .map(({ source: { name, firstLine }, text, lines }) => {
      const inFile =
        firstLine === undefined ? [] : lines.map((range) => range.map((line) => line + firstLine - 1).join('-'));
      return { name, text, lines: inFile.join(', ') };
    });
  return {
    fit: {
      sources: fitted,
      tokensUsed: used.reduce((sum, text) => sum + count(text), 0),
      tokensLimit: contextLength - maxTokens,
      messagesDropped,
    },
    question: questionText(textOf(messages.at(-1)!), quoted),
  };
}
