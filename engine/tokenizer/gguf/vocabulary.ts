import { BadModel } from '../../errors.ts';
import { quoted } from '../../sources/quoted.ts';
import type { GgufMetadata } from '../../sources/gguf/metadata.ts';
import { END_MARKS, isMark, stripsSpaceBehind } from '../marks.ts';
import { type Piece, PieceType } from '../sentencepiece/piece.ts';

/** The tokens of a GGUF file and what it says about them. */
export interface GgufVocabulary {
  /** By id. */
  readonly pieces: readonly Piece[];
  /** Names of the tokens that start a text, end one, end a turn, and end a message to a tool. */
  readonly bos: string | undefined;
  readonly eos: string | undefined;
  readonly eot: string | undefined;
  readonly eom: string | undefined;
  readonly chatTemplate: string | undefined;
}

/** More tokens than in any released model; 262,144 in the largest ones. */
const MOST_TOKENS = 1 << 20;

/** Longer than the tokens of released models; finding the merges of a token takes the square of its length. */
const LONGEST_TOKEN = 1024;

/** Reads and checks the tokens. Throws BadModel, in one sentence. */
export function readVocabulary(metadata: GgufMetadata): GgufVocabulary {
  const tokens = readTexts(metadata, 'tokenizer.ggml.tokens');
  if (tokens === undefined) throw new BadModel('The GGUF file has no list of tokens (tokenizer.ggml.tokens).');
  if (tokens.length === 0 || tokens.length > MOST_TOKENS) {
    throw new BadModel(`tokenizer.ggml.tokens has ${tokens.length} tokens; 1 to ${MOST_TOKENS} are supported.`);
  }
  const long = tokens.findIndex((token) => token.length > LONGEST_TOKEN);
  if (long >= 0) {
    throw new BadModel(
      `The token ${long} of the GGUF file has ${tokens[long]!.length} characters; ${LONGEST_TOKEN} are supported.`,
    );
  }
  const scores = readNumbers(metadata, 'tokenizer.ggml.scores', tokens.length);
  const types = readNumbers(metadata, 'tokenizer.ggml.token_type', tokens.length);
  const sentencePiece = metadata.get('tokenizer.ggml.model') === 'llama';
  if (sentencePiece && !scores) {
    throw new BadModel('The GGUF file has no scores for its SentencePiece vocabulary (tokenizer.ggml.scores).');
  }
  const chatTemplate = readText(metadata, 'tokenizer.chat_template');
  const named = (key: string) => readTokenName(metadata, `tokenizer.ggml.${key}_token_id`, tokens);
  const special = {
    bos: named('bos') ?? (sentencePiece ? tokens[1] : undefined),
    eos: named('eos') ?? (sentencePiece ? tokens[2] : undefined),
    unk: named('unknown') ?? (sentencePiece ? tokens[0] : undefined),
    eot: named('eot'),
    eom: named('eom'),
  };
  checkDistinct(tokens);
  const names = new Set(Object.values(special));
  const rstrip = stripsAfterMarks(metadata);
  const pieces = tokens.map((text, id): Piece => {
    const type = pieceType(text, types?.[id] ?? PieceType.Normal, names, chatTemplate);
    return { text, score: scores?.[id] ?? 0, type, rstrip: rstrip(text, type) };
  });
  return { pieces, chatTemplate, bos: special.bos, eos: special.eos, eot: special.eot, eom: special.eom };
}

/**
 * The type of a token. Some converters have stored marks of chats as normal tokens, such as phi-3's `<|end|>`: a mark that
 * ends answers, or that the chat template writes, is a control token all the same, or an answer would never end.
 */
function pieceType(
  text: string,
  stored: number,
  names: ReadonlySet<string | undefined>,
  chatTemplate: string | undefined,
): PieceType {
  const known = PIECE_TYPES.has(stored) ? (stored as PieceType) : PieceType.Normal;
  if (text === '') return PieceType.Unused;
  const plain = known === PieceType.Normal || known === PieceType.UserDefined;
  const used = names.has(text) || (isMark(text) && (END_MARKS.includes(text) || chatTemplate?.includes(text)));
  return plain && used ? PieceType.Control : known;
}

const PIECE_TYPES = new Set<number>(Object.values(PieceType));

/**
 * Which tokens absorb the white space behind them. GGUF files do not store it; as in llama.cpp, all marks of models named
 * phi-3 do, except for three.
 */
function stripsAfterMarks(metadata: GgufMetadata): (text: string, type: PieceType) => boolean {
  if (!/phi-?3/i.test(readText(metadata, 'general.name') ?? '')) return () => false;
  const marks: readonly PieceType[] = [PieceType.Control, PieceType.UserDefined, PieceType.Unknown];
  return (text, type) => text === '</s>' || (marks.includes(type) && stripsSpaceBehind(text));
}

function checkDistinct(tokens: readonly string[]): void {
  const ids = new Map<string, number>();
  for (const [id, token] of tokens.entries()) {
    const twin = ids.get(token);
    if (twin !== undefined && token !== '') {
      throw new BadModel(`tokenizer.ggml.tokens contains "${quoted(token)}" twice, as ${twin} and ${id}.`);
    }
    ids.set(token, id);
  }
}

function readTokenName(metadata: GgufMetadata, key: string, tokens: readonly string[]): string | undefined {
  const id = metadata.get(key);
  if (id === undefined) return undefined;
  const name = typeof id === 'number' ? tokens[id] : undefined;
  if (name) return name;
  throw new BadModel(`${key} is ${quoted(JSON.stringify(id))}, but the vocabulary has ${tokens.length} tokens.`);
}

export function readText(metadata: GgufMetadata, key: string): string | undefined {
  const value = metadata.get(key);
  if (value === undefined || typeof value === 'string') return value;
  throw new BadModel(`${key} of the GGUF file is not a text.`);
}

export function readFlag(metadata: GgufMetadata, key: string): boolean | undefined {
  const value = metadata.get(key);
  if (value === undefined || typeof value === 'boolean') return value;
  throw new BadModel(`${key} of the GGUF file is neither true nor false.`);
}

export function readTexts(metadata: GgufMetadata, key: string): readonly string[] | undefined {
  const value = metadata.get(key);
  if (value === undefined) return undefined;
  if (Array.isArray(value) && value.every((text) => typeof text === 'string')) return value;
  throw new BadModel(`${key} of the GGUF file is not a list of texts.`);
}

function readNumbers(metadata: GgufMetadata, key: string, length: number): readonly number[] | undefined {
  const value = metadata.get(key);
  if (value === undefined) return undefined;
  if (!Array.isArray(value) || !value.every((one) => Number.isFinite(one))) {
    throw new BadModel(`${key} of the GGUF file is not a list of numbers.`);
  }
  if (value.length !== length) {
    throw new BadModel(`${key} of the GGUF file has ${value.length} entries for ${length} tokens.`);
  }
  return value as readonly number[];
}
