/** Turns other extensions' messages into a conversation that the engine accepts. Pure. */
import { textOf, textTurn } from '../../engine/wire/chatTurns.ts';
import type { ChatTurn } from '../../engine/wire/protocol.ts';
import type { Translate } from '../common/translate.ts';

export interface ModelMessage {
  readonly role: ChatTurn['role'];
  /** Undefined for a part that is not text. */
  readonly parts: readonly (string | undefined)[];
}

/** One system message, then user and assistant alternately. Throws a one-sentence error if a part is not text. */
export function toTurns(messages: readonly ModelMessage[], t: Translate): ChatTurn[] {
  const turns: ChatTurn[] = [];
  for (const { role, parts } of messages) {
    if (parts.includes(undefined))
      throw new Error(t('The local model supports text only, not images, files, or tools.'));
    const text = parts.join('');
    const last = turns.at(-1);
    // A later system message becomes part of a user message.
    const speaker = role === 'system' && last && last.role !== 'system' ? 'user' : role;
    if (last?.role === speaker) turns.splice(-1, 1, textTurn(speaker, `${textOf(last)}\n\n${text}`));
    else if (speaker === 'assistant' && last?.role !== 'user') turns.push(textTurn('user', ''), textTurn(role, text));
    else turns.push(textTurn(speaker, text));
  }
  if (turns.every(({ role }) => role === 'system')) throw new Error(t('There is no question to answer.'));
  return turns;
}
