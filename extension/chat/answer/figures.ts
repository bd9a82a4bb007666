/** What an answer took, in words. Pure. */
import type { ChatResult } from '../../../engine/wire/protocol.ts';
import type { Translate } from './compose.ts';

export function figures(result: ChatResult, t: Translate, language: string): string {
  const count = (value: number): string => Math.round(value).toLocaleString(language);
  const { tokensPrefilled, tokensReused, tokensGenerated, decodeMs, messagesDropped } = result;
  const speed = decodeMs > 0 ? (tokensGenerated / decodeMs) * 1000 : 0;
  const sentence = t(
    'Tokens: {0} read, {1} from the cache; {2} written, {3} per second',
    count(tokensPrefilled),
    count(tokensReused),
    count(tokensGenerated),
    speed.toLocaleString(language, { maximumSignificantDigits: 2 }),
  );
  if (messagesDropped === 0) return sentence;
  return `${sentence}. ${t('The oldest {0} messages did not fit the window.', count(messagesDropped))}`;
}
