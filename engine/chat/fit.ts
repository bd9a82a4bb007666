import { type FittedFile, fitFiles } from '../prompt/files.ts';
import { lineAt } from '../prompt/lines.ts';
import { textOf } from '../wire/chatTurns.ts';
import type { ChatSource, ChatTurn, FitResult, FittedSource } from '../wire/protocol.ts';
import {
  type ChatCosts,
  type ChatPrompt,
  chatPrompt,
  costsOf,
  encodeTurns,
  pairsToDrop,
  type PromptMaker,
} from './chatPrompt.ts';
import type { LineEncoder } from './lineEncoder.ts';
import { withText } from './pictures.ts';
import { type QuotedSource, questionText } from './questionText.ts';

/** Number of tokens in the marks around a source, apart from its name. */
const MARK_TOKENS = 32;
/** Fewer tokens of a source would be useless: when not all sources can have as many, the last ones are left out. */
const LEAST_TOKENS = 64;
/** Share of the room that sources may take even when older turns must be dropped for them. */
const LEAST_SHARE = 1 / 2;

export interface FittedQuestion {
  /** The result for the caller, and the last message's text with the fitted sources in it. */
  readonly fit: FitResult;
  readonly question: string;
}

/**
 * Truncates sources to the room that the conversation leaves, or to half of all room, since older turns can be dropped.
 * Small sources stay whole and leave their share to the large ones; when there are too many, the first ones are kept.
 * Sources that messages contain already are left out while these messages stay. `dropped` is the number of messages
 * that are known to be dropped at least.
 */
export async function fitSources(
  messages: readonly ChatTurn[],
  sources: readonly ChatSource[],
  maker: PromptMaker,
  dropped = 0,
): Promise<FittedQuestion> {
  const held = heldAt(messages, sources, dropped);
  const fitted = await fitFresh(messages, sources, held, maker);
  const { messagesDropped } = fitted.fit;
  // More messages must be dropped, and the sources in them have to be quoted again.
  if (messagesDropped > dropped && held.size > 0) return fitSources(messages, sources, maker, messagesDropped);
  return fitted;
}

/** Fits the sources and renders the prompt with what remains of them. Rejects as chatPrompt does. */
export async function fitPrompt(
  messages: readonly ChatTurn[],
  sources: readonly ChatSource[],
  maker: PromptMaker,
  dropped = 0,
): Promise<FittedQuestion & { readonly prompt: ChatPrompt }> {
  const { fit, question } = await fitSources(messages, sources, maker, dropped);
  const prompt = await chatPrompt([...messages.slice(0, -1), withText(messages.at(-1)!, question)], maker);
  const { messagesDropped } = prompt;
  // The estimate was too low, and messages that contain sources were dropped.
  if (messagesDropped > Math.max(dropped, fit.messagesDropped) && fit.sources.some(({ held }) => held)) {
    return fitPrompt(messages, sources, maker, messagesDropped);
  }
  return { fit: { ...fit, tokensUsed: prompt.ids.length, messagesDropped }, question, prompt };
}

/** The sources that are contained in a message that stays. */
function heldAt(
  messages: readonly ChatTurn[],
  sources: readonly ChatSource[],
  dropped: number,
): ReadonlySet<ChatSource> {
  const firstKept = dropped + (messages[0]!.role === 'system' ? 1 : 0);
  return new Set(sources.filter(({ heldBy }) => heldBy !== undefined && heldBy >= firstKept));
}

/** Numbers of tokens. */
interface Size {
  readonly text: number;
  readonly marks: number;
}

async function fitFresh(
  messages: readonly ChatTurn[],
  sources: readonly ChatSource[],
  held: ReadonlySet<ChatSource>,
  maker: PromptMaker,
): Promise<FittedQuestion> {
  const { encoder, room } = maker;
  const conversation = (await encodeTurns(messages, maker)).ids.length;
  const costs = await costsOf(messages, maker);
  const sizes = new Map<ChatSource, Size>();
  for (const source of sources) {
    sizes.set(source, {
      text: (await encoder.encode(source.text)).length,
      marks: (await encoder.count(source.name)) + MARK_TOKENS,
    });
  }
  const fresh = sources.filter((source) => !held.has(source));
  const fixed = fresh.filter(({ whole }) => whole);
  const fixedTokens = fixed.reduce((sum, source) => sum + sizes.get(source)!.text + sizes.get(source)!.marks, 0);
  // The part of the prompt that is never dropped.
  const question = costs.system + costs.pairs.at(-1)![0] + fixedTokens;
  const forSources = Math.min(
    room - question,
    Math.max(room - conversation - fixedTokens, Math.floor(room * LEAST_SHARE)),
  );
  const files = await truncated(
    fresh.filter(({ whole }) => !whole),
    forSources,
    sizes,
    encoder,
  );
  for (const source of fixed) files.set(source, wholeFile(source, await encoder.encode(source.text)));
  const kept = fresh.filter((source) => source.whole || (files.get(source)?.ids.length ?? 0) > 0);
  const taken = kept.reduce((sum, source) => sum + files.get(source)!.ids.length + sizes.get(source)!.marks, 0);
  const all = conversation + taken;
  const { tokens, dropped } = all <= room ? { tokens: all, dropped: 0 } : afterDropping(costs, taken, room);
  return {
    fit: {
      sources: sources.map((source) => ({
        ...fittedSource(source, sizes.get(source)!.text, files.get(source)),
        held: held.has(source),
      })),
      tokensUsed: tokens,
      tokensLimit: room,
      messagesDropped: 2 * dropped,
    },
    question: questionText(
      textOf(messages.at(-1)!),
      kept.map((source) => quotedSource(source, files.get(source)!)),
    ),
  };
}

/** Truncates the first sources, as many as can have LEAST_TOKENS each, to `tokens` altogether. */
async function truncated(
  sources: readonly ChatSource[],
  tokens: number,
  sizes: ReadonlyMap<ChatSource, Size>,
  encoder: LineEncoder,
): Promise<Map<ChatSource, FittedFile>> {
  let sum = 0;
  const tooMany = sources.findIndex((source) => {
    const { text, marks } = sizes.get(source)!;
    return (sum += marks + Math.min(text, LEAST_TOKENS)) > tokens;
  });
  const kept = tooMany < 0 ? sources : sources.slice(0, tooMany);
  const marks = kept.reduce((total, source) => total + sizes.get(source)!.marks, 0);
  const files = await fitFiles(kept, tokens - marks, (text) => encoder.encode(text));
  return new Map(kept.map((source, i) => [source, files[i]!]));
}

function wholeFile({ name, text }: ChatSource, ids: number[]): FittedFile {
  const totalLines = lineAt(text, text.length);
  return { name, shown: text, ids, lines: [[1, totalLines]], totalLines, region: { start: 0, end: text.length } };
}

function fittedSource(
  { text }: ChatSource,
  tokensWhole: number,
  file: FittedFile | undefined,
): Omit<FittedSource, 'held'> {
  if (!file) return { lines: [], totalLines: lineAt(text, text.length), tokensWhole, tokens: 0 };
  return { lines: file.lines, totalLines: file.totalLines, tokensWhole, tokens: file.ids.length };
}

function quotedSource({ name, firstLine }: ChatSource, { shown, lines }: FittedFile): QuotedSource {
  if (firstLine === undefined) return { name, text: shown, lines: '' };
  const inFile = lines.map(([first, last]): [number, number] => [first + firstLine - 1, last + firstLine - 1]);
  return { name, text: shown, lines: inFile.map(([first, last]) => `${first}-${last}`).join(', ') };
}

/** Estimates what is dropped, and what the rest takes, when the last question contains `taken` tokens of sources. */
function afterDropping({ system, pairs }: ChatCosts, taken: number, room: number): ReturnType<typeof pairsToDrop> {
  const [question, answer] = pairs.at(-1)!;
  return pairsToDrop({ system, pairs: pairs.with(-1, [question + taken, answer]) }, room);
}
