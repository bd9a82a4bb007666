/** Reads attachments for the engine, and describes in chips and links what it kept of them. Pure. */
import { createHash } from 'node:crypto';
import type {
  ChatImage,
  ChatSource,
  ChatTurn,
  FitResult,
  FittedSource,
  ImageCost,
} from '../../../engine/wire/protocol.ts';
import type { Chip, ChipPicture, ContextUse } from '../../../webview/protocol.ts';
import type { ChatModel } from '../../engine/engine.ts';
import { abortable } from '../../common/abortable.ts';
import { errorMessage } from '../../common/errorMessage.ts';
import type { Translate } from '../../common/translate.ts';
import type { SentSource } from '../conversation/conversation.ts';
import type { Attachment, ContextReader, PictureAttachment, Source } from '../context/attachment.ts';

export interface ComposeHost {
  readonly reader: ContextReader;
  readonly model: Pick<ChatModel, 'imageCosts'>;
  /** The absolute path of a picture's PNG file; undefined if it is gone. */
  pictureFile(hash: string): string | undefined;
  readonly t: Translate;
}

export interface ComposeRequest {
  /** The conversation so far: a system message, then questions and answers in turn. */
  readonly turns: readonly ChatTurn[];
  /** For each question in `turns`, the sources that it contains. */
  readonly known: readonly (readonly SentSource[])[];
  /** The user's text, which guides retrieval. */
  readonly question: string;
  readonly items: readonly { readonly id: string; readonly attachment: Attachment }[];
}

export interface Composed {
  /** Whole texts, which the engine truncates. */
  readonly sources: ChatSource[];
  /** Pictures that the model sees. */
  readonly images: ChatImage[];
  /** One sentence for each attachment that could not be read. */
  readonly problems: string[];
  /** Describes what the engine kept of the sources. */
  describe(fit: FitResult): { chips: Chip[]; sources: SentSource[]; contextUse: ContextUse };
}

/** More sources than any window holds; the engine accepts no more in one call. */
const MAX_SOURCES = 500;
const LEFT_OUT: FittedSource = { lines: [], totalLines: 0, tokensWhole: 0, tokens: 0, held: false };

interface Piece {
  readonly source: Source;
  readonly hash: string;
  /** Index of the item that it was read from. */
  readonly item: number;
}

/**
 * Reads the attachments. Rejects when the signal aborts; an attachment that cannot be read is reported in its chip and
 * in `problems`.
 */
export async function compose(host: ComposeHost, request: ComposeRequest, signal: AbortSignal): Promise<Composed> {
  const { reader, t } = host;
  const reading = request.items.map(({ attachment }) => readOne(host, attachment, request, signal));
  const read = await abortable(Promise.all(reading), signal);
  const pieces = read.flatMap(({ sources }, item) => sources.map((source) => newPiece(source, item)));
  return {
    sources: pieces.slice(0, MAX_SOURCES).map((piece) => chatSource(piece, request)),
    images: read.flatMap(({ image }) => image ?? []),
    problems: read.flatMap(({ problem }) => (problem === '' ? [] : [problem])),
    describe(fit) {
      const all = pieces.map((piece, i): FittedPiece => ({ ...piece, fitted: fit.sources[i] ?? LEFT_OUT }));
      const chips = request.items.map(({ id, attachment }, item): Chip => {
        const mine = all.filter((piece) => piece.item === item && !piece.fitted.held);
        const isHeld = mine.length === 0 && all.some((piece) => piece.item === item);
        const { costs } = read[item]!;
        const chip = reader.chip(attachment);
        if (chip.picture && costs) return { ...chip, id, cut: '', ...costOf(chip.picture, costs) };
        const text = chip.picture && textIn(chip.picture, read[item]!.sources);
        const tokens = mine.reduce((sum, { fitted }) => sum + fitted.tokens, 0);
        const detail = isHeld ? t('{0} (already in this chat)', chip.detail) : chip.detail;
        return { ...chip, ...text, id, detail, tokens, cut: read[item]!.problem || cutNote(mine, t) };
      });
      return { chips, sources: all.filter(isSent).map(sentSource), contextUse: contextUse(fit, t) };
    },
  };
}

/** The chips before any tokens have been counted. */
export function uncounted(reader: ContextReader, items: ComposeRequest['items']): Chip[] {
  return items.map(({ id, attachment }) => ({ ...reader.chip(attachment), id, cut: '' }));
}

/** What became of an attachment: texts, or a picture with what it takes to see it. */
interface Read {
  readonly sources: Source[];
  readonly problem: string;
  readonly image?: ChatImage;
  readonly costs?: ImageCost[];
}

async function readOne(
  host: ComposeHost,
  attachment: Attachment,
  { question }: ComposeRequest,
  signal: AbortSignal,
): Promise<Read> {
  try {
    if (attachment.kind === 'picture') {
      const image = imageOf(host, attachment);
      if (!image) throw new Error(host.t('{0} is no longer on this disk.', attachment.name));
      const costs = await host.model.imageCosts(attachment, signal);
      if (costs.length > 0) return { sources: [], problem: '', image, costs };
    }
    return { sources: await host.reader.read(attachment, question, signal), problem: '' };
  } catch (error) {
    return { sources: [], problem: errorMessage(error) };
  }
}

/** The picture as the engine is given it; undefined if its file is gone. */
export function imageOf(
  host: Pick<ComposeHost, 'pictureFile'>,
  { hash, mostCrops }: PictureAttachment,
): ChatImage | undefined {
  const file = host.pictureFile(hash);
  return file === undefined ? undefined : { type: 'image', file, ...(mostCrops === undefined ? {} : { mostCrops }) };
}

/** What a chip says of a picture that the model sees. */
export function costOf(picture: ChipPicture, costs: ImageCost[]): Pick<Chip, 'tokens' | 'picture'> {
  const chosen = costs.find(({ mostCrops }) => mostCrops === picture.mostCrops) ?? costs[0]!;
  return { tokens: chosen.tokens, picture: { ...picture, costs } };
}

/** What a chip says of a picture whose text the model is given: how many words, and where they can be corrected. */
function textIn(picture: ChipPicture, [source]: readonly Source[]): Pick<Chip, 'uri' | 'picture'> {
  if (!source) return {};
  return { uri: source.uri, picture: { ...picture, words: source.text.match(/\S+/g)?.length ?? 0 } };
}

function newPiece(source: Source, item: number): Piece {
  return { source, hash: createHash('sha256').update(source.text).digest('hex'), item };
}

function chatSource(piece: Piece, { known }: ComposeRequest): ChatSource {
  const { name, text, firstLine, cursor } = piece.source;
  const turn = known.findLastIndex((sources) => sources.some((sent) => isSaid(piece, sent)));
  return {
    name,
    text,
    firstLine,
    ...(cursor === undefined ? {} : { cursor }),
    // The system's message comes first, and each question has an answer.
    ...(turn < 0 ? {} : { heldBy: 1 + 2 * turn }),
  };
}

/** Whether `sent` was the same text and included the line that matters for this question. */
function isSaid({ source, hash }: Piece, sent: SentSource): boolean {
  if (sent.name !== source.name || sent.hash !== hash) return false;
  const line = source.firstLine + newlines(source.text.slice(0, source.cursor ?? 0));
  return sent.lines.some(([first, last]) => first <= line && line <= last);
}

interface FittedPiece extends Piece {
  readonly fitted: FittedSource;
}

const isSent = ({ fitted }: FittedPiece): boolean => fitted.tokens > 0;

function contextUse({ tokensUsed, tokensLimit, messagesDropped }: FitResult, t: Translate): ContextUse {
  const note =
    messagesDropped === 0
      ? ''
      : t('The context window is full. The oldest {0} messages of this chat are omitted.', messagesDropped);
  return { used: tokensUsed, limit: tokensLimit, note };
}

/** Line numbers in the file; the source's text may be only a part of it. */
function fileLines({ source, fitted }: FittedPiece): [first: number, last: number][] {
  const offset = source.firstLine - 1;
  return fitted.lines.map(([first, last]) => [first + offset, last + offset]);
}

function sentSource(piece: FittedPiece): SentSource {
  const { source, fitted, hash } = piece;
  return { name: source.name, uri: source.uri, lines: fileLines(piece), totalLines: fitted.totalLines, hash };
}

/** Says which parts of an attachment do not fit; empty when all of it fits. */
function cutNote(pieces: readonly FittedPiece[], t: Translate): string {
  const gone = pieces.filter((piece) => !isSent(piece));
  const [piece] = pieces;
  if (piece && pieces.length === 1) {
    if (piece.source.text === '') return '';
    if (gone.length === 1) return t('does not fit');
    const missing = missingLines(piece);
    const last = piece.source.firstLine + piece.fitted.totalLines - 1;
    return missing === '' ? '' : t('lines {0} of {1} omitted', missing, last);
  }
  const cut = pieces.filter((each) => isSent(each) && missingLines(each) !== '').length;
  if (gone.length === 0 && cut === 0) return '';
  return t('{1} of {0} parts omitted, {2} shortened', pieces.length, gone.length, cut);
}

/** The lines of the file that are missing between and around those sent, such as "1-99, 400-900". */
function missingLines(piece: FittedPiece): string {
  const missing: string[] = [];
  const { firstLine } = piece.source;
  const end = firstLine + piece.fitted.totalLines;
  let next = firstLine;
  for (const [first, last] of [...fileLines(piece), [end, end] as const]) {
    if (first > next) missing.push(next === first - 1 ? `${next}` : `${next}-${first - 1}`);
    next = last + 1;
  }
  return missing.join(', ');
}

const newlines = (text: string): number => text.split('\n').length - 1;
