/** Describes the tokens and the speed of an answer in a sentence. Pure. */
import type { ChatResult } from '../../../engine/wire/protocol.ts';
import type { Translate } from '../../common/translate.ts';

export function statisticsText(result: ChatResult, t: Translate, language: string): string {
  const count = (value: number): string => Math.round(value).toLocaleString(language);
  const { tokensPrefilled, tokensReused, tokensGenerated, decodeMs, messagesDropped } = result;
  const speed = decodeMs > 0 ? (tokensGenerated / decodeMs) * 1000 : 0;
  const sentence = t(
    '{0} prompt tokens ({1} cached) · {2} generated · {3} tokens/s',
    count(tokensPrefilled + tokensReused),
    count(tokensReused),
    count(tokensGenerated),
    speed.toLocaleString(language, { maximumSignificantDigits: 2 }),
  );
  if (messagesDropped === 0) return sentence;
  return `${sentence}. ${t('The oldest {0} messages did not fit in the context window.', count(messagesDropped))}`;
}
