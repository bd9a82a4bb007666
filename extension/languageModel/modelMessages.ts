/** Turns other extensions' messages into a conversation that the engine accepts. Pure. */
import type { ChatContent, ChatImage, ChatTurn } from '../../engine/wire/protocol.ts';
import type { Translate } from '../common/translate.ts';

export interface ModelMessage {
  readonly role: ChatTurn['role'];
  /** Texts and PNG files; undefined for a part of another kind. */
  readonly parts: readonly (string | ChatImage | undefined)[];
}

/** One system message, then user and assistant alternately. Throws a one-sentence error if a part is of another kind. */
export function toTurns(messages: readonly ModelMessage[], t: Translate): ChatTurn[] {
  const turns: ChatTurn[] = [];
  for (const { role, parts } of messages) {
    if (!parts.every((part) => part !== undefined))
      throw new Error(t('The local model supports text and images only, not files or tools.'));
    const last = turns.at(-1);
    // A later system message becomes part of a user message.
    const speaker = role === 'system' && last && last.role !== 'system' ? 'user' : role;
    const isNew = last?.role !== speaker;
    if (isNew && speaker === 'assistant' && last?.role !== 'user') turns.push(turnOf('user', ['']));
    if (isNew) turns.push(turnOf(speaker, parts));
    else turns.splice(-1, 1, turnOf(speaker, [...last.content.map(partOf), '\n\n', ...parts]));
  }
  if (turns.every(({ role }) => role === 'system')) throw new Error(t('There is no question to answer.'));
  return turns;
}

const partOf = (piece: ChatContent): string | ChatImage => (piece.type === 'text' ? piece.text : piece);

/** Texts that follow one another are one piece. */
function turnOf(role: ChatTurn['role'], parts: readonly (string | ChatImage)[]): ChatTurn {
  const content: ChatContent[] = [];
  for (const part of parts.length > 0 ? parts : ['']) {
    const last = content.at(-1);
    if (typeof part !== 'string') content.push(part);
    else if (last?.type === 'text') content.splice(-1, 1, { type: 'text', text: last.text + part });
    else content.push({ type: 'text', text: part });
  }
  return { role, content };
}
