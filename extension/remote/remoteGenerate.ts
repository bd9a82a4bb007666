/** Lets a server write the text of a completion, as the engine does for the models on this machine. */
import type { OpenAI } from 'openai';
import {
  type Generate,
  type GeneratedToken,
  type GenerationStats,
  newStats,
} from '../../engine/inference/generationTypes.ts';
import type { Prompt } from '../../engine/prompt/prompt.ts';
import type { ChatMessage } from '../../engine/tokenizer/chatTemplate.ts';
import type { Connected } from './connection.ts';
import { healed, type Piece } from './healed.ts';
import { outgoing } from './outgoing.ts';
import { withSpecials } from './specials.ts';
import type { TextTokenizer } from './textTokenizer.ts';

const STREAMED = { stream: true, stream_options: { include_usage: true } } as const;

/**
 * Generates by `/v1/completions`, or by the chat where the prompt is a conversation, whose begun answer is continued. The
 * ids are those of the tokenizer. Leaving the loop early closes the request. Iterating rejects as the client does.
 */
export function remoteGenerate(
  { client, model }: Connected,
  tokenizer: TextTokenizer,
  marks: readonly string[],
): Generate {
  return (prompt, { maxTokens, signal }) => {
    const stats = newStats();
    const options = signal ? { signal } : {};
    const common = { model: model.id, max_tokens: maxTokens + HEALED_TOKENS, temperature: 0, repetition_penalty: 1 };
    const start = () => pieces(client, common, { prompt, tokenizer, marks, options });
    return { stats, [Symbol.asyncIterator]: () => tokens(start(), tokenizer, stats) };
  };
}

/** As many tokens may be written again. */
const HEALED_TOKENS = 4;

interface Common {
  readonly model: string;
  readonly max_tokens: number;
  readonly temperature: number;
  readonly repetition_penalty: number;
}
interface Asked {
  readonly prompt: Prompt;
  readonly tokenizer: TextTokenizer;
  readonly marks: readonly string[];
  readonly options: OpenAI.RequestOptions;
}

/** The text that is written behind the prompt, whose end the model writes again where it may be part of a token. */
function pieces(client: OpenAI, common: Common, { prompt, tokenizer, marks, options }: Asked): AsyncIterable<Piece> {
  const sent = tokenizer.prompt([...prompt.ids], outgoing);
  if (sent.kind === 'text') {
    const ask = (text: string) => completionPieces(client, common, { text, marks, options });
    // A middle is written behind a mark, whatever the prefix ends with.
    return marks.length > 0 ? ask(sent.text) : healed(sent.text, ask);
  }
  const begun = sent.messages.at(-1)!;
  return healed(begun.content, (content) =>
    chatPieces(client, common, { messages: sent.messages.with(-1, { ...begun, content }), options }),
  );
}

async function* completionPieces(
  client: OpenAI,
  common: Common,
  { text, marks, options }: { text: string } & Pick<Asked, 'marks' | 'options'>,
): AsyncIterable<Piece> {
  // The model's own marks would be left out of the text, and it would go on behind them.
  const ends = marks.length > 0 ? { stop: [...marks], skip_special_tokens: false } : {};
  const request = { ...common, ...STREAMED, ...ends, prompt: text, logprobs: 0 };
  for await (const { choices, usage } of await client.completions.create(request, options)) {
    const [choice] = choices;
    const logprob = sum(choice?.logprobs?.token_logprobs ?? []);
    yield { text: withSpecials(choice?.text ?? ''), logprob, finish: choice?.finish_reason ?? null, usage };
  }
}

async function* chatPieces(
  client: OpenAI,
  common: Common,
  { messages, options }: { messages: readonly ChatMessage[] } & Pick<Asked, 'options'>,
): AsyncIterable<Piece> {
  const continued = { continue_final_message: true, add_generation_prompt: false };
  const request = { ...common, ...STREAMED, ...continued, messages: [...messages], logprobs: true };
  for await (const { choices, usage } of await client.chat.completions.create(request, options)) {
    const [choice] = choices;
    const logprob = sum((choice?.logprobs?.content ?? []).map((token) => token.logprob));
    yield { text: withSpecials(choice?.delta.content ?? ''), logprob, finish: choice?.finish_reason ?? null, usage };
  }
}

async function* tokens(
  written: AsyncIterable<Piece>,
  tokenizer: TextTokenizer,
  stats: GenerationStats,
): AsyncGenerator<GeneratedToken> {
  const startMs = performance.now();
  let firstMs: number | undefined;
  try {
    for await (const { text, logprob, finish, usage } of written) {
      if (finish !== null) stats.stop = finish === 'length' ? 'length' : 'end';
      if (usage) stats.tokensPrefilled = usage.prompt_tokens;
      if (text === '') continue;
      firstMs ??= performance.now();
      stats.tokensGenerated++;
      yield { id: tokenizer.idOf(text), logprob };
    }
  } finally {
    const endMs = performance.now();
    stats.prefillMs = (firstMs ?? endMs) - startMs;
    stats.decodeMs = endMs - (firstMs ?? endMs);
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
