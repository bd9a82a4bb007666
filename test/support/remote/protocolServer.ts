/** A server of the OpenAI-compatible API as vLLM serves it, over our own engine: real weights, real streaming. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Generation } from '../../../engine/inference/generationTypes.ts';
import { StopStrings } from '../../../engine/inference/stopStrings.ts';
import type { LoadedModel } from '../../../engine/load/loadedModel.ts';
import { textPrompt } from '../../../engine/prompt/prompt.ts';
import type { ChatMessage } from '../../../engine/tokenizer/chatTemplate.ts';
import { TextStream } from '../../../engine/tokenizer/textStream.ts';

export interface ProtocolServer extends AsyncDisposable {
  readonly url: string;
  /** The requests so far, the newest last. */
  readonly requests: readonly { path: string; headers: IncomingMessage['headers']; body: RequestBody }[];
}

/** The parameters that the server knows, a part of vLLM's. */
export interface RequestBody {
  model?: string;
  prompt?: string;
  messages?: ChatMessage[];
  max_tokens?: number;
  add_generation_prompt?: boolean;
  continue_final_message?: boolean;
  add_special_tokens?: boolean;
  stop?: string[];
  temperature?: number;
  top_p?: number;
  top_k?: number;
  min_p?: number;
  repetition_penalty?: number;
  seed?: number;
  logprobs?: boolean | number;
}

/** Serves a model by the name `served`, for one sequence of `contextLength` tokens each. */
export async function startProtocolServer(
  model: LoadedModel,
  served: string,
  contextLength = model.info.contextLength,
): Promise<ProtocolServer> {
  const requests: { path: string; headers: IncomingMessage['headers']; body: RequestBody }[] = [];
  let running = 0;
  const tokenizer = model.tokenizer!;

  /** The template's own marks and those in texts alike are special tokens, as in vLLM. */
  const idsOf = (body: RequestBody): number[] => {
    const { messages, prompt = '', add_special_tokens: bos = true } = body;
    if (!messages) return tokenizer.encode(prompt, { specials: true, bos });
    const last = body.continue_final_message ? messages.at(-1)!.content : '';
    const said = body.continue_final_message ? messages.slice(0, -1) : messages;
    const addGenerationPrompt = body.continue_final_message === true || body.add_generation_prompt !== false;
    return tokenizer.encode(tokenizer.renderChat(said, { addGenerationPrompt }) + last, { specials: true });
  };

  const answer = async (body: RequestBody, response: ServerResponse, chat: boolean): Promise<void> => {
    const ids = idsOf(body);
    const { max_tokens: maxTokens = 16 } = body;
    if (ids.length + maxTokens > contextLength) {
      const message = `This model's maximum context length is ${contextLength} tokens. However, you requested ${ids.length + maxTokens} tokens.`;
      return refuse(response, 400, message);
    }
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    response.flushHeaders();
    const send = (event: object): boolean => response.write(`data: ${JSON.stringify(event)}\n\n`);
    const session = model.createSession();
    running++;
    try {
      const generation = session.generate(textPrompt(ids), {
        maxTokens,
        stopIds: tokenizer.stopIds,
        signal: gone.signal,
        ...samplingOf(body),
      });
      const stopped = await stream(generation, body, (text, logprobs) => {
        const piece = chat ? { delta: { content: text } } : { text };
        send({ choices: [{ index: 0, ...piece, ...logprobs(chat), finish_reason: null }] });
      });
      const finish = stopped || generation.stats.stop !== 'length' ? 'stop' : 'length';
      send({ choices: [{ index: 0, ...(chat ? { delta: {} } : { text: '' }), finish_reason: finish }] });
      const { tokensGenerated } = generation.stats;
      send({
        choices: [],
        usage: {
          prompt_tokens: ids.length,
          completion_tokens: tokensGenerated,
          total_tokens: ids.length + tokensGenerated,
        },
      });
      response.end('data: [DONE]\n\n');
    } catch (error) {
      if (!gone.signal.aborted) throw error;
    } finally {
      running--;
      await session.dispose();
    }
  };

  const stream = async (
    generation: Generation,
    { stop = [], logprobs }: RequestBody,
    say: (text: string, logprobs: (chat: boolean) => object) => void,
  ): Promise<boolean> => {
    const text = new TextStream(tokenizer);
    const stops = new StopStrings(stop);
    for await (const { id, logprob } of generation) {
      const token = text.push(id);
      say(stops.push(token), (chat) => {
        if (logprobs === undefined || logprobs === false) return {};
        return { logprobs: chat ? { content: [{ token, logprob }] } : { tokens: [token], token_logprobs: [logprob] } };
      });
      if (stops.stopped) return true;
    }
    say(stops.end(), () => ({}));
    return false;
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url ?? '';
    const body = await bodyOf(request);
    requests.push({ path, headers: request.headers, body });
    const json = (content: object): void => {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(content));
    };
    if (path === '/v1/models') {
      return json({ object: 'list', data: [{ id: served, object: 'model', max_model_len: contextLength }] });
    }
    if (path === '/metrics') {
      response
        .writeHead(200, { 'content-type': 'text/plain' })
        .end(`vllm:num_requests_running{engine="0"} ${running}.0\n`);
      return;
    }
    if (!['/tokenize', '/v1/completions', '/v1/chat/completions'].includes(path))
      return refuse(response, 404, 'Not Found');
    if (body.model !== served) return refuse(response, 404, `The model \`${body.model}\` does not exist.`);
    if (path === '/tokenize') {
      const tokens = idsOf(body);
      return json({ count: tokens.length, max_model_len: contextLength, tokens });
    }
    return answer(body, response, path === '/v1/chat/completions');
  };

  const server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    [Symbol.asyncDispose]: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

function samplingOf({ temperature = 1, top_p, top_k = -1, min_p, repetition_penalty, seed = 0 }: RequestBody) {
  if (temperature === 0 && (repetition_penalty ?? 1) === 1) return {};
  return {
    sampling: {
      temperature,
      seed,
      ...(top_p === undefined ? {} : { topP: top_p }),
      ...(top_k > 0 ? { topK: top_k } : {}),
      ...(min_p === undefined ? {} : { minP: min_p }),
      ...(repetition_penalty === undefined ? {} : { repetitionPenalty: repetition_penalty }),
    },
  };
}

function refuse(response: ServerResponse, code: number, message: string): void {
  const type = code === 404 ? 'NotFoundError' : 'BadRequestError';
  const body = JSON.stringify({ error: { message, type, param: null, code } });
  response.writeHead(code, { 'content-type': 'application/json' }).end(body);
}

async function bodyOf(request: IncomingMessage): Promise<RequestBody> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text === '' ? {} : (JSON.parse(text) as RequestBody);
}
