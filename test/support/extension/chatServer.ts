/** A server that speaks as much of the OpenAI-compatible API as a window test of the chat needs. Its answers are exact texts. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ChatServer extends AsyncDisposable {
  readonly url: string;
  /** As windows show it: "127.0.0.1:8000". */
  readonly host: string;
  /** The questions so far, and the keys that came with them. */
  readonly questions: { readonly key: string | undefined; readonly body: string }[];
  /** Ends without a word, also what is being answered. */
  crash(): void;
}

/** `answer` gives the parts of an answer; one without an end is left open. */
export async function startChatServer(
  models: readonly string[],
  answer: (body: string) => { parts: readonly string[]; ends: boolean },
): Promise<ChatServer> {
  const questions: ChatServer['questions'] = [];
  const say = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.url === '/v1/models') {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ object: 'list', data: models.map((id) => ({ id, object: 'model' })) }));
    } else if (request.url === '/v1/chat/completions') {
      const body = await textOf(request);
      questions.push({ key: request.headers.authorization, body });
      const { parts, ends } = answer(body);
      response.setHeader('content-type', 'text/event-stream');
      for (const content of parts) response.write(event({ delta: { content }, finish_reason: null }));
      if (ends) response.end(`${event({ delta: {}, finish_reason: 'stop' })}data: [DONE]\n\n`);
    } else {
      response.statusCode = 404;
      response.end('{}');
    }
  };
  const server = createServer((request, response) => void say(request, response));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const crash = (): void => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://${host}`, host, questions, crash, [Symbol.asyncDispose]: async () => crash() };
}

function event(choice: object): string {
  const chunk = {
    id: 'c',
    object: 'chat.completion.chunk',
    created: 0,
    model: 'm',
    choices: [{ index: 0, ...choice }],
  };
  return `data: ${JSON.stringify(chunk)}\n\n`;
}

async function textOf(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString();
}
