import { BadRequest } from '../errors.ts';
import type { ChatTurn } from '../wire/protocol.ts';
import type { ChatMessage } from '../tokenizer/chatTemplate.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { encodeLongChat, encodeLongText } from '../prompt/encodeText.ts';

export interface ChatReader {
  /** Of a model with a chat template. */
  readonly tokenizer: Tokenizer;
  /** What the window leaves for the prompt. */
  readonly room: number;
  /** Awaited in long work, so that other work goes on; rejects where nobody waits any more. */
  readonly pause: () => Promise<unknown>;
}

export interface ChatPrompt {
  readonly ids: number[];
  readonly messagesDropped: number;
}

/** What is kept where not all fits: the next turns then only append, and find the rest in the KV cache. */
const KEPT_SHARE = 3 / 4;
/** Of a message beside its text: whose it is and where it ends. Templates take 3 to 8. */
const MARK_TOKENS = 8;
/** Stands in no template. */
const PROBE = '\uE000probe';

/**
 * A conversation by the model's chat template; behind a last message of the assistant's the answer goes on. Where it does
 * not fit, the oldest questions are dropped with their answers, as `pairsToDrop` says. Rejects with BadRequest where the
 * last question alone does not fit, and with BadModel where the template fails.
 */
export async function chatPrompt(messages: readonly ChatTurn[], reader: ChatReader): Promise<ChatPrompt> {
  const ids = await encodeTurns(messages, reader);
  if (ids.length <= reader.room) return { ids, messagesDropped: 0 };
  const { system, pairs } = inPairs(messages);
  const costs = await costsOf(messages, reader);
  for (let { dropped } = pairsToDrop(costs, reader.room); ; dropped++) {
    const left = await encodeTurns([...system, ...pairs.slice(dropped).flat()], reader);
    if (left.length <= reader.room) return { ids: left, messagesDropped: pairs.slice(0, dropped).flat().length };
    if (dropped < pairs.length - 1) continue; // A template that takes more than MARK_TOKENS.
    throw new BadRequest(
      `The question has ${left.length} tokens, but only ${reader.room} fit in the context window beside the answer.`,
    );
  }
}

/** Ids of all messages. */
export function encodeTurns(messages: readonly ChatTurn[], { tokenizer, pause }: ChatReader): Promise<number[]> {
  const last = messages.at(-1)!;
  const [said, prefill] = last.role === 'assistant' ? [messages.slice(0, -1), last.text] : [messages, ''];
  return encodeLongChat(tokenizer, spoken(said, tokenizer), { addGenerationPrompt: true, prefill }, pause);
}

/** Tokens that messages take, about: never much less than they do. */
export interface ChatCosts {
  readonly system: number;
  /** Each question and its answer. Of the last pair both count as the question: the model goes on behind them. */
  readonly pairs: readonly (readonly [question: number, answer: number])[];
}

export async function costsOf(messages: readonly ChatTurn[], { tokenizer, pause }: ChatReader): Promise<ChatCosts> {
  const { system, pairs } = inPairs(messages);
  const cost = async (turns: readonly ChatTurn[]): Promise<number> => {
    let sum = 0;
    for (const { text } of turns) {
      await pause();
      sum += (await encodeLongText(tokenizer, text, Infinity, pause)).length + MARK_TOKENS;
    }
    return sum;
  };
  const costs: [number, number][] = [];
  for (const [i, pair] of pairs.entries()) {
    costs.push(
      i < pairs.length - 1 ? [await cost(pair.slice(0, 1)), await cost(pair.slice(1))] : [await cost(pair), 0],
    );
  }
  return { system: await cost(system), pairs: costs };
}

/**
 * How many pairs have to go, and what the rest takes. Counted as the conversation went, from its first question on: where
 * a question no longer fitted, as many went as it takes to come down to a part of the room. So the same messages give
 * the same answer, and the next turn's prompt begins like this one's.
 */
export function pairsToDrop({ system, pairs }: ChatCosts, room: number): { dropped: number; tokens: number } {
  let dropped = 0;
  let tokens = system;
  for (const [last, [question, answer]] of pairs.entries()) {
    tokens += question;
    const goal = tokens > room ? KEPT_SHARE * room : room;
    for (; dropped < last && tokens > goal; dropped++) tokens -= pairs[dropped]![0] + pairs[dropped]![1];
    tokens += answer;
  }
  return { dropped, tokens };
}

function inPairs(messages: readonly ChatTurn[]): { system: ChatTurn[]; pairs: ChatTurn[][] } {
  const system = messages.filter(({ role }) => role === 'system');
  const pairs: ChatTurn[][] = [];
  for (const turn of messages.slice(system.length)) {
    if (turn.role === 'user') pairs.push([turn]);
    else pairs.at(-1)!.push(turn);
  }
  return { system, pairs };
}

/** What the template is given. Some released ones leave the system's message out: the first question then begins with it. */
function spoken(messages: readonly ChatTurn[], tokenizer: Tokenizer): ChatMessage[] {
  const all = messages.map(({ role, text }) => ({ role, content: text }));
  const [first, second, ...rest] = all;
  if (first?.role !== 'system' || hearsSystem(tokenizer)) return all;
  return [{ role: 'user', content: `${first.content}\n\n${second!.content}` }, ...rest];
}

function hearsSystem(tokenizer: Tokenizer): boolean {
  const probe: ChatMessage[] = [{ role: 'system', content: PROBE }, { role: 'user', content: '' }]; // prettier-ignore
  return tokenizer.renderChat(probe, { addGenerationPrompt: true }).includes(PROBE);
}
