/** The messages of a question about a picture. Pure. */
import { textTurn } from '../../../engine/wire/chatTurns.ts';
import type { ChatImage, ChatTurn } from '../../../engine/wire/protocol.ts';
import { hideSecrets } from '../../reading/secrets.ts';
import { SYSTEM } from './target.ts';

/** The first question. Without an image, the model is told the texts in the picture instead, as a source. */
export function firstTurns(question: string, image: ChatImage | undefined): ChatTurn[] {
  return [textTurn('system', SYSTEM), asked(question, image)];
}

/**
 * A further question: the first one with the code as its answer, then the user's words. What was said in between is in
 * the code already, and would only push the picture out of the context window.
 */
export function refineTurns(
  question: string,
  image: ChatImage | undefined,
  code: { readonly text: string; readonly languageId: string },
  words: string,
): ChatTurn[] {
  const answer = `\`\`\`${code.languageId}\n${hideSecrets(code.text.replaceAll('\r', '').trimEnd())}\n\`\`\``;
  const request = `Change the code: ${words}\nAnswer with the whole code again, in one fenced block.`;
  return [...firstTurns(question, image), textTurn('assistant', answer), textTurn('user', request)];
}

function asked(question: string, image: ChatImage | undefined): ChatTurn {
  const { role, content } = textTurn('user', question);
  return { role, content: [...(image ? [image] : []), ...content] };
}
