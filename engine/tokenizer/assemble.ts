import { BadModel } from '../errors.ts';
import { type AddedToken, addedTokenSplitter } from './addedTokens.ts';
import { type ChatMessage, type ChatOptions, hideSpecials, renderChat, showSpecials } from './chatTemplate.ts';
import type { Tokenizer } from './tokenizerTypes.ts';
import type { TokenizerConfig } from './tokenizerConfig.ts';

export interface Vocabulary {
  /** Encodes text that contains no added tokens. */
  readonly encodePlain: (text: string) => number[];
  /** Special tokens, at which a text is split before the rest is encoded. */
  readonly added: readonly AddedToken[];
  /** By id, the bytes that the token adds to a text; for an added token those of its name. */
  readonly bytes: readonly (Uint8Array | undefined)[];
  readonly startsWithBos: boolean;
  readonly addsLeadingSpace: boolean;
  readonly dispose: () => void;
}

const NONE = new Uint8Array(0);

/** Tokens that end an answer even where generation_config.json omits them (phi-3-vision names only 2). */
const END_MARKS = ['<|endoftext|>', '<|end|>', '<|assistant|>', '<|user|>', '<|system|>', '</s>'];

/**
 * Assembles a tokenizer from the parts in which tokenizers differ. Bytes are decoded here, since the libraries' decoders
 * drop U+FEFF at the start of a run of byte tokens.
 */
export function assembleTokenizer(vocabulary: Vocabulary, config: TokenizerConfig): Tokenizer {
  const { encodePlain, added, bytes, addsLeadingSpace } = vocabulary;
  const { bosToken = '', eosToken = '' } = config;
  const split = addedTokenSplitter(added);
  const names = new Map(added.map((token) => [token.content, token.id]));
  const specials = new Set(added.map((token) => token.id));
  const bosId = vocabulary.startsWithBos ? names.get(bosToken) : undefined;
  const endIds = [eosToken, ...END_MARKS].map((name) => names.get(name)).filter((id) => id !== undefined);

  const parts = (text: string) => split(text).map((part) => (typeof part === 'number' ? part : showSpecials(part)));
  const encodeParts = (all: readonly (number | string)[]) =>
    all.flatMap((part) => (typeof part === 'number' ? [part] : encodePlain(part)));
  const render = (messages: readonly ChatMessage[], options: ChatOptions) => {
    if (config.chatTemplate === undefined) throw new BadModel('This model has no chat template.');
    return renderChat(config.chatTemplate, messages, { ...options, bosToken, eosToken });
  };
  const chatParts: Tokenizer['chatParts'] = (messages, options) => {
    const hidden = messages.map((message) => ({ ...message, content: hideSpecials(message.content, names.keys()) }));
    return parts(render(hidden, options) + hideSpecials(options.prefill ?? '', names.keys()));
  };
  return {
    encode: (text, options = {}) => [
      ...(options.bos && bosId !== undefined ? [bosId] : []),
      ...(options.specials ? encodeParts(parts(text)) : encodePlain(text)),
    ],
    decode(ids, options = {}) {
      const kept = options.specials ? ids : ids.filter((id) => !specials.has(id));
      const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(concat(kept.map((id) => bytes[id] ?? NONE)));
      return addsLeadingSpace && text.startsWith(' ') ? text.slice(1) : text;
    },
    bytes: (id) => bytes[id] ?? NONE,
    special: (name) => names.get(name),
    specialIds: specials,
    stopIds: new Set([...config.generationStopIds, ...endIds]),
    bosId,
    vocabSize: bytes.length,
    addsLeadingSpace,
    hasChatTemplate: config.chatTemplate !== undefined,
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
