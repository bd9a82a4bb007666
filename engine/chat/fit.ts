import type { ChatTurn, FitResult, FitSource, FittedSource } from '../wire/protocol.ts';
import { type ChatCosts, type ChatReader, costsOf, encodeTurns, pairsToDrop } from './chatPrompt.ts';
import { encodeLongText } from '../prompt/encodeText.ts';
import { type EncodeLong, type FittedFile, fitFiles } from '../prompt/files.ts';
import { lineAt } from '../prompt/lines.ts';

/** Between which a source stands in a message, beside its name. */
const MARK_TOKENS = 32;
/** Less of a source would tell nothing: the last ones are left out where not all can have as much. */
const LEAST_TOKENS = 64;
/** Of the room, which sources may take even where older turns must go for them. */
const LEAST_SHARE = 1 / 2;

/**
 * Cuts sources to what the conversation leaves, or to half of the room, since its older turns can be dropped. Small
 * sources are whole and leave their rest to the large ones; where there are too many, the first ones are kept.
 */
export async function fitSources(
  messages: readonly ChatTurn[],
  sources: readonly FitSource[],
  reader: ChatReader,
): Promise<FitResult> {
  const { tokenizer, room, pause } = reader;
  const encode: EncodeLong = async (text, most) => {
    await pause();
    return encodeLongText(tokenizer, text, most, pause);
  };
  const count = async (text: string): Promise<number> => (await encode(text, Infinity)).length;
  const conversation = (await encodeTurns(messages, reader)).length;
  const costs = await costsOf(messages, reader);
  // What is never dropped.
  const question = costs.system + costs.pairs.at(-1)![0];
  const forSources = Math.min(room - question, Math.max(room - conversation, Math.floor(room * LEAST_SHARE)));

  const sizes: { whole: number; marks: number }[] = [];
  for (const { name, text } of sources)
    sizes.push({ whole: await count(text), marks: (await count(name)) + MARK_TOKENS });
  const kept = howManyFit(sizes, forSources);
  const marks = sizes.slice(0, kept).reduce((sum, size) => sum + size.marks, 0);
  const files = await fitFiles(sources.slice(0, kept), forSources - marks, encode);
  const fitted = sources.map(({ text }, i) => fittedSource(text, sizes[i]!.whole, files[i]));

  const taken = files.reduce((sum, { ids }, i) => sum + (ids.length > 0 ? ids.length + sizes[i]!.marks : 0), 0);
  const all = conversation + taken;
  const { tokens, dropped } = all <= room ? { tokens: all, dropped: 0 } : afterDropping(costs, taken, room);
  return { sources: fitted, tokensUsed: tokens, tokensLimit: room, messagesDropped: 2 * dropped };
}

function howManyFit(sizes: readonly { whole: number; marks: number }[], tokens: number): number {
  let sum = 0;
  const first = sizes.findIndex(({ whole, marks }) => (sum += marks + Math.min(whole, LEAST_TOKENS)) > tokens);
  return first < 0 ? sizes.length : first;
}

function fittedSource(text: string, tokensWhole: number, file: FittedFile | undefined): FittedSource {
  if (!file) return { text: '', lines: [], totalLines: lineAt(text, text.length), tokensWhole, tokens: 0 };
  return { text: file.shown, lines: file.lines, totalLines: file.totalLines, tokensWhole, tokens: file.ids.length };
}

/** What goes, and what the rest takes, when the conversation's last question holds `taken` tokens of sources. */
function afterDropping({ system, pairs }: ChatCosts, taken: number, room: number): ReturnType<typeof pairsToDrop> {
  const [question, answer] = pairs.at(-1)!;
  return pairsToDrop({ system, pairs: pairs.with(-1, [question + taken, answer]) }, room);
}
