/**
 * A server with the weights of SmolLM2 in 32 bits, and the local engine with the same folder: tokens of prompts, greedy
 * answers, stop strings. Runs where AIRGAP_REMOTE_URL and AIRGAP_REMOTE_FOLDER name them (see README.md).
 */
import assert from 'node:assert/strict';
import { StopStrings } from '../../engine/inference/stopStrings.ts';
import { loadModel } from '../../engine/load/loadModel.ts';
import type { LoadedModel } from '../../engine/load/loadedModel.ts';
import { textPrompt } from '../../engine/prompt/prompt.ts';
import type { ChatMessage } from '../../engine/tokenizer/chatTemplate.ts';
import { TextStream } from '../../engine/tokenizer/textStream.ts';
import { serverUrl } from '../../extension/remote/server.ts';
import golden from '../fixtures/smollm2/golden.json' with { type: 'json' };
import vocabulary from '../fixtures/tokenizers/smollm2.json' with { type: 'json' };

const { AIRGAP_REMOTE_URL: url, AIRGAP_REMOTE_FOLDER: folder } = process.env;
const MOST_TOKENS = 48;
/** The ids that end an answer are seen, as the server tells them. */
const NONE = new Set<number>();

const CONVERSATIONS: ChatMessage[][] = [
  ...golden.chats.map(({ question }): ChatMessage[] => [{ role: 'user', content: question }]),
  [
    { role: 'system', content: 'You answer in one word.' },
    { role: 'user', content: 'What is the capital of France?' },
  ],
  [
    { role: 'user', content: 'Name a prime number.' },
    { role: 'assistant', content: '7' },
    { role: 'user', content: 'Another one, please.\n\nAnd say why it is prime.' },
  ],
  [{ role: 'user', content: '```ts\nconst a = 1;\n```\n\nWhat is `a`?  ' }],
  [{ role: 'user', content: 'Größe, 漢字 and 🙂: what are these?' }],
];

const STOPS: [prompt: string, stop: string[]][] = [
  ['1, 2, 3, 4, 5, ', ['9']],
  ['1, 2, 3, 4, 5, ', [', 8', '12']],
  ['def fibonacci(n):\n    ', ['\n']],
  ['def fibonacci(n):\n    ', ['return 1']],
  ['<ul>\n  <li>One</li>\n  <li>', ['</ul>']],
  ['The capital of France is', ['!', '. ']],
];

interface Answer {
  readonly prompt: number[];
  readonly ids: number[];
  readonly text: string;
  readonly finish: 'stop' | 'length';
}

/** A server's answer, as far as it is looked at. */
interface Choice {
  token_ids: number[];
  prompt_token_ids?: number[];
  text?: string;
  message?: { content: string };
  finish_reason: Answer['finish'];
}

describe('a server beside the local engine', function () {
  this.timeout(900_000);
  let model: LoadedModel;
  let served: string;

  const fetched = async <T>(path: string, body?: object): Promise<T> => {
    const request = body && { method: 'POST', body: JSON.stringify(body) };
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(serverUrl({ url: url! }) + path, { ...request, headers });
    assert.equal(response.status, 200, `${path}: ${response.statusText}`);
    return (await response.json()) as T;
  };

  const remote = async (path: string, question: object): Promise<Answer> => {
    const limits = { model: served, max_tokens: MOST_TOKENS, temperature: 0, return_token_ids: true };
    const answer = await fetched<{ choices: Choice[]; prompt_token_ids?: number[] }>(path, { ...limits, ...question });
    const choice = answer.choices[0]!;
    return {
      prompt: (choice.prompt_token_ids ?? answer.prompt_token_ids)!,
      ids: choice.token_ids,
      text: (choice.text ?? choice.message?.content)!,
      finish: choice.finish_reason,
    };
  };

  const local = async (prompt: number[], stop: string[] = []): Promise<Answer> => {
    const session = model.createSession();
    const stream = new TextStream(model.tokenizer!);
    const stops = new StopStrings(stop);
    const ids: number[] = [];
    let text = '';
    let ended = false;
    for await (const { id } of session.generate(textPrompt(prompt), { maxTokens: MOST_TOKENS, stopIds: NONE })) {
      ids.push(id);
      ended = model.stopIds.has(id);
      if (!ended) text += stops.push(stream.push(id));
      if (ended || stops.stopped) break;
    }
    await session.dispose();
    const finish = ended || stops.stopped ? 'stop' : 'length';
    return { prompt, ids, text: text + stops.end(), finish };
  };

  const textIds = (prompt: string) => model.tokenizer!.encode(prompt, { bos: true });

  /** Compares all that both sides say to each question, and returns how each answer ended. */
  const allAgree = async (questions: [path: string, question: object, ids: number[], stop?: string[]][]) => {
    const ends: Answer['finish'][] = [];
    for (const [path, question, ids, stop] of questions) {
      const there = await remote(path, question);
      assert.deepEqual(there, await local(ids, stop), JSON.stringify(question));
      ends.push(there.finish);
    }
    return ends;
  };

  before(async function () {
    if (!url || !folder) {
      console.log('    skipped: AIRGAP_REMOTE_URL and AIRGAP_REMOTE_FOLDER name no server');
      return this.skip();
    }
    model = await loadModel(folder, { backend: 'wasm', weights: 'f32', kv: 'f32' });
    served = (await fetched<{ data: { id: string }[] }>('/v1/models')).data[0]!.id;
  });
  after(() => model?.dispose());

  it(`the same ids of ${vocabulary.texts.length} texts`, async () => {
    for (const { text } of vocabulary.texts) {
      const body = { prompt: text, add_special_tokens: false };
      const { tokens } = await fetched<{ tokens: number[] }>('/tokenize', body);
      assert.deepEqual(tokens, model.tokenizer!.encode(text, { specials: true }), JSON.stringify(text));
    }
  });

  it(`the same continuations of ${golden.continuations.length} texts`, () =>
    allAgree(golden.continuations.map(({ prompt }) => ['/v1/completions', { prompt }, textIds(prompt)])));

  it(`the same prompts and answers of ${CONVERSATIONS.length} conversations`, () => {
    const ids = (messages: ChatMessage[]) => model.tokenizer!.chat(messages, { addGenerationPrompt: true });
    return allAgree(CONVERSATIONS.map((messages) => ['/v1/chat/completions', { messages }, ids(messages)]));
  });

  it(`the same stops in ${STOPS.length} texts`, async () => {
    const ends = await allAgree(
      STOPS.map(([prompt, stop]) => ['/v1/completions', { prompt, stop }, textIds(prompt), stop]),
    );
    assert.deepEqual(ends, ['stop', 'stop', 'stop', 'stop', 'stop', 'stop']);
  });
});
