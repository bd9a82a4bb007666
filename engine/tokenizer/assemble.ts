import { BadModel } from '../errors.ts';
import { type AddedToken, addedTokenSplitter } from './addedTokens.ts';
import { type ChatMessage, type ChatOptions, hideSpecials, renderChat, showSpecials } from './chatTemplate.ts';
import { templateFor } from './knownTemplates.ts';
import { END_MARKS } from './marks.ts';
import type { LeadingSpace, Tokenizer } from './tokenizerTypes.ts';
import type { TokenizerConfig } from './tokenizerConfig.ts';

export interface Vocabulary {
  /** Encodes text that contains no added tokens; `begins` puts the space before it that leadingSpace speaks of. */
  readonly encodePlain: (text: string, begins: boolean) => number[];
  /** Tokens with names, at which a text is split before the rest is encoded. */
  readonly added: readonly AddedToken[];
  /** By id, the bytes that the token adds to a text; for an added token those of its name. */
  readonly bytes: readonly (Uint8Array | undefined)[];
  readonly startsWithBos: boolean;
  readonly leadingSpace: LeadingSpace;
  readonly lineBreak: RegExp | undefined;
  readonly dispose: () => void;
}

const NONE = new Uint8Array(0);

/**
 * Assembles a tokenizer from the parts in which tokenizers differ. Bytes are decoded here, since the libraries' decoders
 * drop U+FEFF at the start of a run of byte tokens.
 */
export function assembleTokenizer(vocabulary: Vocabulary, config: TokenizerConfig): Tokenizer {
  const { encodePlain, added, bytes, leadingSpace, lineBreak } = vocabulary;
  const { bosToken = '', eosToken = '' } = config;
  const special = added.filter((token) => token.special);
  const split = addedTokenSplitter(added);
  const splitPlain = addedTokenSplitter(added.filter((token) => !token.special));
  const names = new Map(special.map((token) => [token.content, token.id]));
  const specials = new Set(special.map((token) => token.id));
  const bosId = vocabulary.startsWithBos ? names.get(bosToken) : undefined;
  const endIds = [eosToken, ...config.endTokens, ...END_MARKS].flatMap((name) => names.get(name) ?? []);

  const known = config.chatTemplate === undefined ? templateFor((name) => names.has(name)) : undefined;
  const chatTemplate = config.chatTemplate ?? known?.template;

  const parts = (text: string) => split(text).map((part) => (typeof part === 'number' ? part : showSpecials(part)));
  const encodeParts = (all: readonly (number | string)[], continues = false) =>
    all.flatMap((part, i) => {
      if (typeof part === 'number') return [part];
      return encodePlain(
        part,
        leadingSpace === 'always' ? i > 0 || !continues : leadingSpace === 'first' && i === 0 && !continues,
      );
    });
  const render = (messages: readonly ChatMessage[], options: ChatOptions) => {
    if (chatTemplate === undefined) throw new BadModel('This model has no chat template.');
    return renderChat(chatTemplate, messages, { ...options, bosToken, eosToken });
  };
  const chatParts: Tokenizer['chatParts'] = (messages, options) => {
    const hidden = messages.map((message) => ({ ...message, content: hideSpecials(message.content, names.keys()) }));
    return parts(render(hidden, options) + hideSpecials(options.prefill ?? '', names.keys()));
  };
  return {
    encode: (text, options = {}) => [
      ...(options.bos && bosId !== undefined ? [bosId] : []),
      ...encodeParts(options.specials ? parts(text) : splitPlain(text), options.continues),
    ],
    decode(ids, options = {}) {
      const kept = options.specials ? ids : ids.filter((id) => !specials.has(id));
      const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(concat(kept.map((id) => bytes[id] ?? NONE)));
      return leadingSpace !== 'never' && text.startsWith(' ') ? text.slice(1) : text;
    },
    bytes: (id) => bytes[id] ?? NONE,
    special: (name) => names.get(name),
    specialIds: specials,
    stopIds: new Set([...config.generationStopIds, ...endIds]),
    bosId,
    vocabSize: bytes.length,
    leadingSpace,
    lineBreak,
    hasChatTemplate: chatTemplate !== undefined,
    isChatModel: chatTemplate !== undefined && !known?.inBaseModels,
    renderChat: render,
    chatParts,
    chat: (messages, options) => encodeParts(chatParts(messages, options)),
    dispose: vocabulary.dispose,
  };
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
