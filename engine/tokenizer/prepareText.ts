import { BadModel } from '../errors.ts';
import { quoted } from '../sources/quoted.ts';
import { LINE_END, LINE_START, LINE_START_NO_SLASH } from './lineMemory.ts';
import {
  CL100K_PATTERN,
  DEEPSEEK_V3_PATTERN,
  GPT2_PATTERN,
  NEWLINE_PATTERN,
  O200K_PATTERN,
  QWEN2_PATTERN,
  SEED_CODER_PATTERN,
  TEKKEN_PATTERN,
} from './splitPatterns.ts';
import type { TokenizerJson } from './tokenizerJson.ts';
import type { LeadingSpace } from './tokenizerTypes.ts';

/** How a text is prepared before its merges, with what the library does not do as Hugging Face's Rust library does. */
export interface TextRules {
  /** Which texts get a space in front: none, those at offset 0, or each one between two special tokens. */
  readonly leadingSpace: LeadingSpace;
  /** Puts the space in front of a normalised text. */
  readonly prepend: (text: string) => string;
  /** Where a text without pre-tokeniser is split. */
  readonly splitsAt: RegExp | undefined;
  /** Where texts may be cut; 'tokens' where it depends on the vocabulary. */
  readonly lineBreak: RegExp | 'tokens' | undefined;
  /** Whether the merges are those of bytes. */
  readonly byteLevel: boolean;
  /** What remains for the library. */
  readonly normalizer: TokenizerJson['normalizer'];
  readonly preTokenizer: TokenizerJson['pre_tokenizer'];
}

type Part = NonNullable<TokenizerJson['normalizer']>;

const SPACE = '\u2581';

/** Reads normalizer and pre_tokenizer. Throws BadModel for a pre-tokeniser that is not supported. */
export function prepareText(json: TokenizerJson): TextRules {
  const normalizers = partsOf(json.normalizer, 'normalizers');
  const prepends = normalizers.some(isPrepend);
  const normalizer = sequence(
    'normalizers',
    normalizers.filter((part) => !isPrepend(part)),
  );
  const parts = partsOf(json.pre_tokenizer, 'pretokenizers');
  const [first] = parts;
  if (first?.type === 'Metaspace' && parts.length === 1) {
    const scheme = prependScheme(first);
    const replace = { type: 'Replace', pattern: { String: ' ' }, content: SPACE };
    return {
      // Without a scheme of its own, Metaspace may still follow a normaliser that prepends.
      leadingSpace: prepends ? 'always' : scheme,
      prepend: (text) => (prepends ? SPACE + text : text.startsWith(SPACE) ? text : SPACE + text),
      splitsAt: first['split'] === false ? undefined : /(?=\u2581)/u,
      lineBreak: 'tokens',
      normalizer: sequence('normalizers', [...(normalizer ? partsOf(normalizer, 'normalizers') : []), replace]),
      byteLevel: false,
      preTokenizer: null,
    };
  }
  const released = parts.flatMap(asReleased);
  const byteLevel = isBytes(released.at(-1));
  return {
    leadingSpace: prepends ? 'always' : 'never',
    prepend: (text) => (prepends && text !== '' ? SPACE + text : text),
    splitsAt: undefined,
    lineBreak: parts.length === 0 ? 'tokens' : patternBreak(parts),
    normalizer,
    byteLevel,
    preTokenizer: sequence('pretokenizers', byteLevel ? released.slice(0, -1) : released),
  };
}

/** Whether a part only spells bytes as characters, which bytePairs.ts does without. */
function isBytes(part: Part | undefined): boolean {
  return part?.type === 'ByteLevel' && part['use_regex'] === false && part['add_prefix_space'] !== true;
}

function isPrepend(part: Part): boolean {
  return part.type === 'Prepend' && part['prepend'] === SPACE;
}

/** prepend_scheme; older files say add_prefix_space. */
function prependScheme(part: Part): LeadingSpace {
  const scheme = part['prepend_scheme'] ?? (part['add_prefix_space'] === false ? 'never' : 'always');
  if (part['replacement'] !== undefined && part['replacement'] !== SPACE) {
    throw new BadModel(`tokenizer.json writes spaces as ${shown(part['replacement'])}, not as U+2581.`);
  }
  if (scheme === 'always' || scheme === 'first' || scheme === 'never') return scheme;
  throw new BadModel(`tokenizer.json has the prepend_scheme ${shown(scheme)}, which is not supported.`);
}

/** Pre-tokenisers in the form in which the library splits as the Rust library does. */
function asReleased(part: Part): Part[] {
  const split = (Regex: string) => ({ type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false });
  switch (part.type) {
    case 'Digits': // The library takes ASCII's digits only.
      return [split(part['individual_digits'] === true ? '\\p{N}' : '\\p{N}+')];
    case 'ByteLevel': // The library's white space is JavaScript's here, which includes U+FEFF and excludes U+0085.
      if (part['use_regex'] === false || part['add_prefix_space'] === true) return [part];
      return [split(GPT2_PATTERN), { ...part, use_regex: false }];
    case 'Split': {
      const behavior = String(part['behavior']).toLowerCase();
      const inverted = part['invert'] === true;
      if (behavior === 'isolated') return [{ ...part, invert: false }];
      if (behavior === 'removed') return [part];
      throw new BadModel(
        `tokenizer.json splits text with the behavior ${shown(part['behavior'])}` +
          `${inverted ? ', inverted' : ''}, which is not supported.`,
      );
    }
    default:
      throw new BadModel(`tokenizer.json has the pre-tokenizer ${quoted(part.type)}, which is not supported here.`);
  }
}

/** The place at which none of the patterns makes a piece across lines. */
function patternBreak(parts: readonly Part[]): RegExp | undefined {
  if (parts.some((part) => part['add_prefix_space'] === true)) return undefined;
  const patterns = parts.flatMap(asReleased).flatMap((part) => {
    const pattern = (part['pattern'] as { Regex?: string } | undefined)?.Regex;
    return pattern === undefined ? [] : [pattern];
  });
  // Further patterns only split what these have split.
  const has = (...known: string[]) => patterns.some((pattern) => known.includes(pattern));
  if (has(NEWLINE_PATTERN, CL100K_PATTERN, QWEN2_PATTERN, SEED_CODER_PATTERN, DEEPSEEK_V3_PATTERN)) return LINE_START;
  if (has(O200K_PATTERN, TEKKEN_PATTERN)) return LINE_START_NO_SLASH;
  return has(GPT2_PATTERN) ? LINE_END : undefined;
}

function partsOf(part: TokenizerJson['normalizer'], list: string): Part[] {
  if (!part) return [];
  if (part.type !== 'Sequence') return [part];
  const parts: unknown = part[list];
  if (!Array.isArray(parts)) throw new BadModel(`tokenizer.json has a Sequence without ${list}.`);
  return (parts as unknown[]).flatMap((one) => {
    if (typeof one !== 'object' || one === null || typeof (one as Part).type !== 'string') {
      throw new BadModel(`tokenizer.json has a Sequence with a part without type.`);
    }
    return partsOf(one as Part, list);
  });
}

function sequence(list: string, parts: readonly Part[]): TokenizerJson['normalizer'] {
  return parts.length === 0 ? null : { type: 'Sequence', [list]: parts };
}

function shown(value: unknown): string {
  return quoted(String(JSON.stringify(value)));
}
