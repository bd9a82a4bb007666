import { BadModel, PromptTooLong } from '../errors.ts';
import { joinPrompt, type Prompt } from '../prompt/prompt.ts';
import { type ChatMessage, withoutSystem } from '../tokenizer/chatTemplate.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { textOf } from '../wire/chatTurns.ts';
import type { ChatTurn } from '../wire/protocol.ts';
import { LineEncoder } from './lineEncoder.ts';
import { type ChatPictures, imagesOf, markedText, PICTURE } from './pictures.ts';

/** Everything that is needed to make the prompts of one request. */
export interface PromptMaker {
  /** Has a chat template. */
  readonly tokenizer: Tokenizer;
  readonly encoder: LineEncoder;
  readonly pictures: ChatPictures;
  /** Put in front of each text between pictures, as models that see them were trained; undefined where nothing is. */
  readonly startId: number | undefined;
  /** Largest number of tokens in the prompt: the window without the answer's share. */
  readonly room: number;
}

export interface ChatPrompt extends Prompt {
  readonly messagesDropped: number;
}

/** Share of the room that may stay filled after dropping, so that the next turns only append to the cached prompt. */
const KEPT_SHARE = 3 / 4;
/** Tokens around a message's text, its role and its end, or around a picture. Templates take 3 to 8. */
const MARK_TOKENS = 8;
/** Occurs in no template. */
const PROBE = '\uE000probe';

/**
 * Renders a conversation by the model's chat template; a last message of the assistant's is left open, so that the
 * answer continues it. When the conversation does not fit, the oldest questions are dropped with their answers, as
 * `pairsToDrop` decides. Rejects with PromptTooLong when the last question alone does not fit, and with BadModel when
 * the template fails.
 */
export async function chatPrompt(messages: readonly ChatTurn[], maker: PromptMaker): Promise<ChatPrompt> {
  const whole = await encodeTurns(messages, maker);
  if (whole.ids.length <= maker.room) return { ...whole, messagesDropped: 0 };
  const { system, pairs } = inPairs(messages);
  const costs = await costsOf(messages, maker);
  for (let { dropped } = pairsToDrop(costs, maker.room); ; dropped++) {
    const left = await encodeTurns([...system, ...pairs.slice(dropped).flat()], maker);
    if (left.ids.length <= maker.room) return { ...left, messagesDropped: pairs.slice(0, dropped).flat().length };
    if (dropped < pairs.length - 1) continue; // The template takes more than MARK_TOKENS.
    throw new PromptTooLong(
      `The question has ${left.ids.length} tokens, but only ${maker.room} fit in the context window beside the answer.`,
    );
  }
}

/**
 * The prompt of all messages. Rejects with BadModel where the template fails, or does not show each picture once, in
 * order.
 */
export async function encodeTurns(
  messages: readonly ChatTurn[],
  { tokenizer, encoder, pictures, startId }: PromptMaker,
): Promise<Prompt> {
  const last = messages.at(-1)!;
  const [said, prefill] = last.role === 'assistant' ? [messages.slice(0, -1), textOf(last)] : [messages, ''];
  const options = { addGenerationPrompt: true, prefill };
  const texts = await encoder.chat(templateMessages(said, tokenizer), options, PICTURE);
  const images = imagesOf(said).map((piece) => pictures.get(piece)!.image);
  if (texts.length !== images.length + 1) throw new BadModel('The chat template does not show each picture once.');
  const begun = texts.map((ids) => (startId === undefined || ids[0] === startId ? ids : [startId, ...ids]));
  return joinPrompt(
    begun.flatMap((ids, i) => {
      const image = images[i];
      return image ? [ids, { key: image.key, length: image.size.tokens }] : [ids];
    }),
  );
}

/** Estimated token counts of messages, never much below the real ones. */
export interface ChatCosts {
  readonly system: number;
  /** Each question and its answer. In the last pair both count as the question, since the model continues behind them. */
  readonly pairs: readonly (readonly [question: number, answer: number])[];
}

/** Encodes nothing when encodeTurns has encoded the messages before. */
export async function costsOf(messages: readonly ChatTurn[], { encoder, pictures }: PromptMaker): Promise<ChatCosts> {
  const { system, pairs } = inPairs(messages);
  const cost = async (turns: readonly ChatTurn[]): Promise<number> => {
    let sum = 0;
    for (const turn of turns) {
      sum += (await encoder.count(textOf(turn))) + MARK_TOKENS;
      for (const piece of imagesOf([turn])) sum += pictures.get(piece)!.image.size.tokens + MARK_TOKENS;
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
 * How many pairs to drop, and how many tokens the rest takes. The count follows the conversation from its first question
 * on: whenever a question no longer fitted, enough pairs are dropped to come down to KEPT_SHARE of the room. So the same
 * messages always give the same result, and the next turn's prompt begins like this one's.
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

/** The template's input. Some released templates ignore the system message; then the first question begins with it. */
function templateMessages(turns: readonly ChatTurn[], tokenizer: Tokenizer): ChatMessage[] {
  const all = turns.map((turn) => ({ role: turn.role, content: markedText(turn) }));
  const merged = withoutSystem(all);
  return merged && !rendersSystem(tokenizer) ? merged : all;
}

function rendersSystem(tokenizer: Tokenizer): boolean {
  const probe: ChatMessage[] = [{ role: 'system', content: PROBE }, { role: 'user', content: '' }]; // prettier-ignore
  return tokenizer.renderChat(probe, { addGenerationPrompt: true }).includes(PROBE);
}
