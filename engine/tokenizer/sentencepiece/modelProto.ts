import { BadModel } from '../../errors.ts';
import { type Piece, PieceType } from './piece.ts';
import { ProtoReader } from './protoReader.ts';

/** What a tokenizer.model says, by sentencepiece_model.proto of the SentencePiece project. */
export interface SentencePieceModel {
  readonly pieces: readonly Piece[];
  readonly addsLeadingSpace: boolean;
  readonly removesExtraSpaces: boolean;
  /** Ids of the tokens that start and end a text; undefined where the model has none. */
  readonly bosId: number | undefined;
  readonly eosId: number | undefined;
}

/** More than in any released model. */
const MOST_PIECES = 1 << 20;
/** TrainerSpec.ModelType. */
const MODEL_TYPES = ['', 'unigram', 'bpe', 'word', 'char'];
const BPE = 2;

/** Reads a tokenizer.model. Throws BadModel, in one sentence, where it is damaged or not a BPE model that is supported. */
export function parseSentencePieceModel(bytes: Uint8Array): SentencePieceModel {
  const file = new ProtoReader(bytes, 'tokenizer.model');
  const pieces: Piece[] = [];
  let trainer: Trainer = { type: 1, bos: 1, eos: 2, spaceIsSuffix: false };
  let normalizer: Normalizer = { charsmap: 0, prefix: true, extraSpaces: true, escape: true };
  for (const field of file.fields()) {
    if (field === 1) pieces.push(readPiece(file.message()));
    else if (field === 2) trainer = readTrainer(file.message(), trainer);
    else if (field === 3) normalizer = readNormalizer(file.message(), normalizer);
    else file.skip();
    if (pieces.length > MOST_PIECES) throw new BadModel(`tokenizer.model has more than ${MOST_PIECES} pieces.`);
  }
  if (pieces.length === 0) throw new BadModel('tokenizer.model contains no pieces.');
  if (trainer.type !== BPE) {
    const type = MODEL_TYPES[trainer.type] ?? trainer.type;
    throw new BadModel(`tokenizer.model is a SentencePiece model of the type ${type}; only bpe is supported.`);
  }
  if (normalizer.charsmap > 0) {
    throw new BadModel(
      'tokenizer.model normalises text by a table of its own, which is not supported; the model needs a tokenizer.json.',
    );
  }
  if (trainer.spaceIsSuffix || !normalizer.escape) {
    throw new BadModel('tokenizer.model treats white space in a way that is not supported.');
  }
  const id = (value: number) => (value >= 0 && value < pieces.length ? value : undefined);
  return {
    pieces,
    addsLeadingSpace: normalizer.prefix,
    removesExtraSpaces: normalizer.extraSpaces,
    bosId: id(trainer.bos),
    eosId: id(trainer.eos),
  };
}

const TYPES = new Map<number, PieceType>(Object.values(PieceType).map((type) => [type, type]));

function readPiece(message: ProtoReader): Piece {
  let text = '';
  let score = 0;
  let stored = 1;
  for (const field of message.fields()) {
    if (field === 1) text = message.text();
    else if (field === 2) score = message.float();
    else if (field === 3) stored = message.integer();
    else message.skip();
  }
  const type = TYPES.get(stored);
  if (type === undefined) throw new BadModel(`tokenizer.model has a piece of the unknown type ${stored}.`);
  if (!Number.isFinite(score)) throw new BadModel('tokenizer.model has a piece without a valid score.');
  return { text, score, type: text === '' ? PieceType.Unused : type, rstrip: false };
}

interface Trainer {
  readonly type: number;
  readonly bos: number;
  readonly eos: number;
  readonly spaceIsSuffix: boolean;
}

function readTrainer(message: ProtoReader, defaults: Trainer): Trainer {
  let { type, bos, eos, spaceIsSuffix } = defaults;
  for (const field of message.fields()) {
    if (field === 3) type = message.integer();
    else if (field === 24) spaceIsSuffix = message.integer() !== 0;
    else if (field === 41) bos = message.integer();
    else if (field === 42) eos = message.integer();
    else message.skip();
  }
  return { type, bos, eos, spaceIsSuffix };
}

interface Normalizer {
  /** Length of the table of replacements. */
  readonly charsmap: number;
  readonly prefix: boolean;
  readonly extraSpaces: boolean;
  readonly escape: boolean;
}

function readNormalizer(message: ProtoReader, defaults: Normalizer): Normalizer {
  let { charsmap, prefix, extraSpaces, escape } = defaults;
  for (const field of message.fields()) {
    if (field === 2) charsmap = message.bytes().length;
    else if (field === 3) prefix = message.integer() !== 0;
    else if (field === 4) extraSpaces = message.integer() !== 0;
    else if (field === 5) escape = message.integer() !== 0;
    else message.skip();
  }
  return { charsmap, prefix, extraSpaces, escape };
}
