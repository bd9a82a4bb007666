/** Messages of one text, which most of them are. */
import type { ChatTurn } from './protocol.ts';

export function textTurn(role: ChatTurn['role'], text: string): ChatTurn {
  return { role, content: [{ type: 'text', text }] };
}

/** The texts of a message, joined. */
export function textOf({ content }: ChatTurn): string {
  return content.map((piece) => (piece.type === 'text' ? piece.text : '')).join('');
}
