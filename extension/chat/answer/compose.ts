/** From what is attached to a prompt: reads it, cuts it to the window, and says in words what was left out. Pure. */
import { createHash } from 'node:crypto';
import type { ChatTurn, FittedSource } from '../../../engine/wire/protocol.ts';
import type { Chip, WindowUse } from '../../../webview/protocol.ts';
import { abortable } from '../../common/abortable.ts';
import type { Translate } from '../../common/translate.ts';
import type { SentSource } from '../conversation/conversation.ts';
import type { Attachment, ContextReader, Source } from '../context/attachment.ts';
import type { ChatModel } from '../../engine/engine.ts';
import { questionPrompt } from './prompt.ts';

export interface ComposeParts {
  readonly model: ChatModel;
  readonly reader: ContextReader;
  readonly t: Translate;
}

export interface Draft {
  /** The conversation so far. */
  readonly turns: readonly ChatTurn[];
  /** What the questions in `turns` hold already, each by itself: not said again as long as they fit the window. */
  readonly known: readonly (readonly SentSource[])[];
  /** How many messages, the oldest, the last prompt had to leave out. */
  readonly messagesDropped: number;
  /** What guides retrieval, and what the model is told. */
  readonly question: string;
  readonly instruction: string;
  readonly items: readonly { readonly id: string; readonly attachment: Attachment }[];
  readonly maxTokens: number;
}

export interface Composed {
  readonly prompt: string;
  readonly chips: Chip[];
  readonly sources: SentSource[];
  readonly window: WindowUse;
  /** One sentence for each attachment that could not be read. */
  readonly problems: string[];
}

/** More than a window holds in any case; the engine takes no more in one call. */
const MAX_SOURCES = 500;

interface Piece {
  readonly source: Source;
  readonly hash: string;
  readonly item: number;
  fitted: FittedSource;
}

/** Rejects with EngineFailure; what cannot be read is told in its chip and in `problems`. */
export async function compose(parts: ComposeParts, draft: Draft, signal: AbortSignal): Promise<Composed> {
  const { t } = parts;
  const reading = draft.items.map(({ attachment }) => readOne(parts.reader, attachment, draft, signal));
  const read = await abortable(Promise.all(reading), signal);
  const all = read.flatMap(({ sources }, item) => sources.map((source) => newPiece(source, item)));
  const { fresh, window } = await fitFresh(parts, draft, all, signal);
  const kept = fresh.filter(({ fitted }) => fitted.text !== '');
  const chips = draft.items.map(({ id, attachment }, item): Chip => {
    const mine = fresh.filter((piece) => piece.item === item);
    const isKnown = mine.length === 0 && all.some((piece) => piece.item === item);
    const chip = parts.reader.chip(attachment);
    const tokens = mine.reduce((sum, { fitted }) => sum + fitted.tokens, 0);
    const detail = isKnown ? t('{0} (already in this chat)', chip.detail) : chip.detail;
    return { ...chip, id, detail, tokens, cut: read[item]!.problem || cutNote(mine, t) };
  });
  return {
    prompt: questionPrompt(draft.instruction, kept.map(promptSource)),
    chips,
    sources: kept.map(sentSource),
    window,
    problems: read.flatMap(({ problem }) => (problem === '' ? [] : [problem])),
  };
}

/** The chips while nothing can be counted. */
export function uncounted(reader: ContextReader, items: Draft['items']): Chip[] {
  return items.map(({ id, attachment }) => ({ ...reader.chip(attachment), id, cut: '' }));
}

async function readOne(
  reader: ContextReader,
  attachment: Attachment,
  { question }: Draft,
  signal: AbortSignal,
): Promise<{ sources: Source[]; problem: string }> {
  try {
    return { sources: await reader.read(attachment, question, signal), problem: '' };
  } catch (error) {
    return { sources: [], problem: error instanceof Error ? error.message : String(error) };
  }
}

function newPiece(source: Source, item: number): Piece {
  const hash = createHash('sha256').update(source.text).digest('hex');
  const nothing = { text: '', lines: [], totalLines: 0, tokensWhole: 0, tokens: 0 };
  return { source, hash, item, fitted: nothing };
}

/** The same text, and of it the line that matters now. */
function isSaid({ source, hash }: Piece, sent: SentSource): boolean {
  if (sent.name !== source.name || sent.hash !== hash) return false;
  const line = source.firstLine + newlines(source.text.slice(0, source.cursor ?? 0));
  return sent.lines.some(([first, last]) => first <= line && line <= last);
}

/** Cuts what is not said yet. Where that leaves no room for the turns that said something, it is said again. */
async function fitFresh(
  parts: ComposeParts,
  draft: Draft,
  all: readonly Piece[],
  signal: AbortSignal,
): Promise<{ fresh: Piece[]; window: WindowUse }> {
  for (let dropped = draft.messagesDropped; ;) {
    const known = draft.known.slice(dropped / 2).flat();
    const fresh = all.filter((piece) => !known.some((sent) => isSaid(piece, sent)));
    const { window, messagesDropped } = await fitPieces(parts, draft, fresh, signal);
    if (messagesDropped <= dropped || fresh.length === all.length) return { fresh, window };
    dropped = messagesDropped;
  }
}

async function fitPieces(
  { model, t }: ComposeParts,
  { turns, instruction, maxTokens }: Draft,
  pieces: Piece[],
  signal: AbortSignal,
): Promise<{ window: WindowUse; messagesDropped: number }> {
  const asked = pieces.slice(0, MAX_SOURCES);
  const { sources, tokensUsed, tokensLimit, messagesDropped } = await model.fit(
    {
      messages: [...turns, { role: 'user', text: instruction }],
      sources: asked.map(({ source: { name, text, cursor } }) => ({
        name,
        text,
        ...(cursor === undefined ? {} : { cursor }),
      })),
      maxTokens,
    },
    signal,
  );
  for (const [i, fitted] of sources.entries()) asked[i]!.fitted = fitted;
  const note =
    messagesDropped === 0
      ? ''
      : t('The context window is full. The oldest {0} messages of this chat are omitted.', messagesDropped);
  return { window: { used: tokensUsed, limit: tokensLimit, note }, messagesDropped };
}

/** Where the text begins later in its file, its lines are counted as the file's. */
function fileLines({ source, fitted }: Piece): [first: number, last: number][] {
  const offset = source.firstLine - 1;
  return fitted.lines.map(([first, last]) => [first + offset, last + offset]);
}

function promptSource(piece: Piece): { name: string; text: string; lines: string } {
  const lines = fileLines(piece).map(([first, last]) => `${first}-${last}`);
  return { name: piece.source.name, text: piece.fitted.text, lines: lines.join(', ') };
}

function sentSource(piece: Piece): SentSource {
  const { source, fitted, hash } = piece;
  return { name: source.name, uri: source.uri, lines: fileLines(piece), totalLines: fitted.totalLines, hash };
}

/** What of an attachment does not fit, in words; empty where all does. */
function cutNote(pieces: readonly Piece[], t: Translate): string {
  const gone = pieces.filter(({ fitted }) => fitted.text === '');
  const [piece] = pieces;
  if (piece && pieces.length === 1) {
    if (piece.source.text === '') return '';
    if (gone.length === 1) return t('does not fit');
    const missing = missingLines(piece);
    const last = piece.source.firstLine + piece.fitted.totalLines - 1;
    return missing === '' ? '' : t('lines {0} of {1} omitted', missing, last);
  }
  const cut = pieces.filter((each) => each.fitted.text !== '' && missingLines(each) !== '').length;
  if (gone.length === 0 && cut === 0) return '';
  return t('{1} of {0} parts omitted, {2} shortened', pieces.length, gone.length, cut);
}

/** "1-99, 400-900": the lines of the file between and around what is left. */
function missingLines(piece: Piece): string {
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
