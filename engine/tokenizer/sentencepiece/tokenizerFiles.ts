import { z } from 'zod';
import { BadModel } from '../../errors.ts';
import { isMark, stripsSpaceBehind } from '../marks.ts';
import { parseFile } from '../tokenizerConfig.ts';
import { parseSentencePieceModel } from './modelProto.ts';
import { type Piece, PieceType } from './piece.ts';
import { sentencePieceTokenizerJson } from './tokenizerJson.ts';

/** The files of a folder that has a tokenizer.model and no tokenizer.json. */
export interface SentencePieceFiles {
  /** Content of tokenizer.model. */
  readonly sentencePieceModel: Uint8Array;
  /** Parsed added_tokens.json, special_tokens_map.json and tokenizer_config.json; undefined where there are none. */
  readonly addedTokens: unknown;
  readonly specialTokensMap: unknown;
  readonly tokenizerConfig: unknown;
}

/**
 * Rewrites these files as tokenizer.json and tokenizer_config.json that give the ids of the released tokenizer.json.
 * `architecture` decides which marks absorb white space where no file says it. Throws BadModel, in one sentence.
 */
export function fromSentencePiece(
  files: SentencePieceFiles,
  architecture: string,
): { tokenizerJson: object; tokenizerConfig: object } {
  const model = parseSentencePieceModel(files.sentencePieceModel);
  const config = parseFile('tokenizer_config.json', configSchema, files.tokenizerConfig ?? {});
  const named = parseFile('special_tokens_map.json', mapSchema, files.specialTokensMap ?? {});
  const specials = [...Object.values(named), ...(config.additional_special_tokens ?? [])].flat().map(nameOf);
  const strips = !config.added_tokens_decoder && architecture === 'Phi3ForCausalLM';
  const pieces = model.pieces.map((piece) => ({ ...piece, rstrip: strips && piece.text === '</s>' }));
  for (const [id, token] of addedTokens(files.addedTokens, config.added_tokens_decoder, specials, strips)) {
    place(pieces, id, token, model.pieces.length);
  }
  const name = (id: number | undefined) => (id === undefined ? undefined : pieces[id]?.text);
  const bos = config.bos_token ?? named['bos_token'] ?? name(model.bosId);
  return {
    tokenizerJson: sentencePieceTokenizerJson(pieces, {
      ...model,
      addsLeadingSpace: config.add_prefix_space ?? model.addsLeadingSpace,
    }),
    tokenizerConfig: {
      ...config,
      bos_token: bos,
      eos_token: config.eos_token ?? named['eos_token'] ?? name(model.eosId),
      add_bos_token: config.add_bos_token ?? bos !== undefined,
    },
  };
}

/** Ids up to this one are accepted, so that a wrong one costs no memory. */
const HIGHEST_ID = 1 << 20;

const token = z.union([z.string(), z.looseObject({ content: z.string() })]);
const mapSchema = z.record(z.string(), z.union([token, z.array(token)]));
const configSchema = z.looseObject({
  bos_token: token.nullish(),
  eos_token: token.nullish(),
  add_bos_token: z.boolean().nullish(),
  add_prefix_space: z.boolean().nullish(),
  additional_special_tokens: z.array(token).nullish(),
  added_tokens_decoder: z
    .record(
      z.string().regex(/^\d{1,7}$/),
      z.looseObject({
        content: z.string().min(1),
        special: z.boolean().default(false),
        rstrip: z.boolean().default(false),
        lstrip: z.boolean().default(false),
      }),
    )
    .nullish(),
});
const addedSchema = z.record(z.string().min(1), z.int().nonnegative());

function nameOf(value: z.infer<typeof token>): string {
  return typeof value === 'string' ? value : value.content;
}

/** Tokens beside the pieces, by id. What tokenizer_config.json says of one is more than its name in added_tokens.json. */
function addedTokens(
  file: unknown,
  decoder: z.infer<typeof configSchema>['added_tokens_decoder'],
  specials: readonly string[],
  strips: boolean,
): [id: number, Piece][] {
  const found: [id: number, Piece][] = [];
  const named = Object.entries(parseFile('added_tokens.json', addedSchema, file ?? {}));
  for (const [text, id] of named) {
    if (decoder?.[id]) continue;
    const type = specials.includes(text) || isMark(text) ? PieceType.Control : PieceType.UserDefined;
    const rstrip = strips && stripsSpaceBehind(text);
    found.push([id, { text, type, rstrip, score: 0 }]);
  }
  for (const [id, { content, special, rstrip, lstrip }] of Object.entries(decoder ?? {})) {
    if (lstrip)
      throw new BadModel(`tokenizer_config.json: the token ${id} absorbs white space, which needs tokenizer.json.`);
    const type = special || specials.includes(content) ? PieceType.Control : PieceType.UserDefined;
    found.push([Number(id), { text: content, type, rstrip, score: 0 }]);
  }
  return found.sort(([a], [b]) => a - b);
}

function place(pieces: Piece[], id: number, added: Piece, count: number): void {
  if (id > HIGHEST_ID) throw new BadModel(`The added token ${id} is outside of any vocabulary.`);
  const known = pieces[id];
  if (known && id < count && known.text !== added.text) {
    throw new BadModel(`The token ${id} has one name in tokenizer.model and another in the files beside it.`);
  }
  while (pieces.length < id) pieces.push({ text: '', type: PieceType.Unused, rstrip: false, score: 0 });
  pieces[id] = known?.type === PieceType.Unknown ? { ...known, rstrip: added.rstrip } : added;
}
