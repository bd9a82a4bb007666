/** A conversation as the API takes it. */
import { readFile } from 'node:fs/promises';
import type { OpenAI } from 'openai';
import { textOf } from '../../engine/wire/chatTurns.ts';
import type { ChatContent, ChatTurn } from '../../engine/wire/protocol.ts';
import { outgoing } from './outgoing.ts';

/** Pictures become data URLs. Rejects where one cannot be read. */
export async function toMessages(
  turns: readonly ChatTurn[],
  signal: AbortSignal,
): Promise<OpenAI.ChatCompletionMessageParam[]> {
  const messages: OpenAI.ChatCompletionMessageParam[] = [];
  for (const turn of turns) {
    const text = outgoing(textOf(turn));
    if (turn.role !== 'user' || turn.content.every(({ type }) => type === 'text')) {
      messages.push({ role: turn.role, content: text });
    } else
      messages.push({ role: 'user', content: await Promise.all(turn.content.map((piece) => part(piece, signal))) });
  }
  return messages;
}

async function part(piece: ChatContent, signal: AbortSignal): Promise<OpenAI.ChatCompletionContentPart> {
  if (piece.type === 'text') return { type: 'text', text: outgoing(piece.text) };
  const bytes = await readFile(piece.file, { signal });
  return { type: 'image_url', image_url: { url: `data:image/png;base64,${bytes.toString('base64')}` } };
}
