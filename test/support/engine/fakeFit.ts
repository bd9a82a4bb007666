/** Fits sources as the engine does, but by a simple rule whose results a test can predict. */
import { questionText } from '../../../engine/chat/questionText.ts';
import { textOf } from '../../../engine/wire/chatTurns.ts';
import type { ChatSource, ChatTurn, FitResult, FittedSource } from '../../../engine/wire/protocol.ts';

export interface FakeFitRule {
  readonly contextLength: number;
  /** Number of tokens in a text. */
  count(text: string): number;
  /** The part of a text that remains, and its lines. */
  keep(text: string): { text: string; lines: [first: number, last: number][] };
  /** Number of messages that the window drops. */
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
