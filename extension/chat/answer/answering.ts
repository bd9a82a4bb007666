/** One conversation, and the answer that is being written to its last question. Pure. */
import type { ChatParams, ChatResult } from '../../../engine/wire/protocol.ts';
import type { PageMessage } from '../../../webview/protocol.ts';
import { abortable } from '../../common/abortable.ts';
import { compose, type ComposeParts, type Draft, uncounted } from './compose.ts';
import {
  type Answer,
  answerMessage,
  asked,
  before,
  canContinue,
  type Conversation,
  questionMessage,
  withLast,
} from '../conversation/conversation.ts';
import { figures } from './figures.ts';
import type { Attachment } from '../context/attachment.ts';
import { answered, chatTurns, earlierTurns } from './prompt.ts';

/** Of the text that is being written, so that a crash or a reload loses no more than this. */
const SAVE_EVERY_MS = 1000;
/** Another answer than the likeliest one. */
const OTHER_TEMPERATURE = 0.7;
const TOP_P = 0.95;

export interface AnsweringHost extends ComposeParts {
  settings(): { readonly maxTokens: number; readonly temperature: number };
  /** What the model is told for a typed text, and what it is given: what is attached, and what the text means by itself. */
  instruct(
    text: string,
    attached: readonly Attachment[],
  ): Promise<{ instruction: string; attachments: readonly Attachment[] }>;
  readonly language: string;
  newId(): string;
  seed(): number;
  nowMs(): number;
}

export interface AnsweringEvents {
  message(message: PageMessage): void;
  part(messageId: string, text: string): void;
  save(conversation: Conversation): void;
  /** Something else than the answer that the user should know. */
  notice(text: string): void;
  /** Nothing is being written any more. */
  ended(): void;
}

export class Answering {
  #conversation: Conversation;
  #running: { readonly abort: AbortController; readonly done: Promise<void> } | undefined;
  #savedMs = 0;

  readonly #host: AnsweringHost;
  readonly #events: AnsweringEvents;

  constructor(host: AnsweringHost, events: AnsweringEvents, conversation: Conversation) {
    this.#host = host;
    this.#events = events;

    this.#conversation = conversation;
  }

  get conversation(): Conversation {
    return this.#conversation;
  }
  get isWriting(): boolean {
    return this.#running !== undefined;
  }

  /** Stops within a token; what is written stays. */
  async stop(): Promise<void> {
    this.#running?.abort.abort();
    await this.#running?.done;
  }

  /** The store has a newer state, of another window. */
  replace(conversation: Conversation): void {
    this.#conversation = conversation;
  }

  rename(title: string): void {
    this.#change({ ...this.#conversation, title });
    this.#save();
  }

  ask(text: string, attachments: readonly Attachment[]): void {
    this.#ask(this.#host.newId(), text, attachments);
  }

  /** What was attached stays attached, and is read anew. */
  edit(questionId: string, text: string): void {
    const turn = this.#conversation.turns.find(({ question }) => question.id === questionId);
    const rest = before(this.#conversation, questionId);
    if (!turn || !rest) return;
    this.#change(rest);
    this.#ask(questionId, text, turn.question.attachments);
  }

  continue(): void {
    const answer = this.#conversation.turns.at(-1)?.answer;
    if (!answer || !canContinue(this.#conversation)) return;
    this.#answer({ text: answer.text, status: 'writing' });
    this.#start(this.#host.settings().temperature);
  }

  regenerate(): void {
    const answer = this.#conversation.turns.at(-1)?.answer;
    if (!answer) return;
    const { temperature } = this.#host.settings();
    this.#answer({ text: '', status: 'writing' });
    // Where nothing was written there is nothing to differ from.
    this.#start(answer.text === '' ? temperature : Math.max(temperature, OTHER_TEMPERATURE));
  }

  /** What the prompt of a further question would begin with. */
  situation(): Pick<Draft, 'turns' | 'known' | 'messagesDropped'> {
    return situationOf(this.#conversation);
  }

  #ask(id: string, text: string, attachments: readonly Attachment[]): void {
    const items = attachments.map((attachment, i) => ({ id: `${id}-${i}`, attachment }));
    const chips = uncounted(this.#host.reader, items);
    const question = { id, text, attachments: [...attachments], chips, sources: [], prompt: '' };
    this.#change(asked(this.#conversation, question, this.#host.newId()));
    this.#events.message(questionMessage(question));
    this.#answer({ text: '', status: 'writing' });
    this.#start(this.#host.settings().temperature);
  }

  #start(temperature: number): void {
    this.#save();
    const abort = new AbortController();
    const done = this.#run(temperature, abort.signal)
      .catch((error: unknown) => this.#ended(error, abort.signal))
      .finally(() => {
        this.#running = undefined;
        this.#save();
        this.#showAnswer();
        this.#events.ended();
      });
    this.#running = { abort, done };
  }

  async #run(temperature: number, signal: AbortSignal): Promise<void> {
    const { contextLength } = await this.#host.model.model(signal);
    const maxTokens = longestAnswer(this.#host.settings().maxTokens, contextLength);
    if (this.#last.question.prompt === '') await this.#compose(maxTokens, signal);
    const request: Omit<ChatParams, 'modelId'> = {
      sessionId: this.#conversation.id,
      messages: chatTurns(this.#conversation),
      maxTokens,
      ...samplingOf(temperature, () => this.#host.seed()),
    };
    const result = await this.#host.model.chat(request, signal, ({ text }) => {
      if (!signal.aborted) this.#part(text);
    });
    this.#finished(result);
  }

  /** Reads and cuts what is attached; the question keeps the result. */
  async #compose(maxTokens: number, signal: AbortSignal): Promise<void> {
    const { question } = this.#last;
    const { instruction, attachments } = await abortable(
      this.#host.instruct(question.text, question.attachments),
      signal,
    );
    const draft = {
      ...situationOf(before(this.#conversation, question.id)!),
      question: question.text,
      instruction,
      items: attachments.map((attachment, i) => ({ id: `${question.id}-${i}`, attachment })),
      maxTokens,
    };
    const waiting = attachments.some(({ kind }) => kind === 'project')
      ? this.#host.reader.onDidChangeWaiting?.((text) => this.#showAnswer(text))
      : undefined;
    const { prompt, chips, sources, problems } = await compose(this.#host, draft, signal).finally(() =>
      waiting?.dispose(),
    );
    this.#change(withLast(this.#conversation, { question: { prompt, chips, sources, attachments: [...attachments] } }));
    this.#events.message(questionMessage(this.#last.question));
    this.#showAnswer();
    for (const problem of problems) this.#events.notice(problem);
  }

  #part(text: string): void {
    const { answer } = this.#last;
    this.#change(withLast(this.#conversation, { answer: { ...answer, text: answer.text + text } }));
    this.#events.part(answer.id, text);
    if (this.#host.nowMs() - this.#savedMs >= SAVE_EVERY_MS) this.#save();
  }

  #finished(result: ChatResult): void {
    const { text } = this.#last.answer;
    const status = result.stop === 'length' ? 'cut' : 'done';
    this.#change({ ...this.#conversation, messagesDropped: result.messagesDropped });
    this.#change(
      withLast(this.#conversation, {
        answer: { text, status, figures: figures(result, this.#host.t, this.#host.language) },
      }),
    );
  }

  #ended(error: unknown, signal: AbortSignal): void {
    const { text } = this.#last.answer;
    const problem = error instanceof Error ? error.message : String(error);
    const answer: Omit<Answer, 'id'> = signal.aborted
      ? { text, status: 'stopped' }
      : { text, status: 'failed', problem };
    this.#change(withLast(this.#conversation, { answer }));
  }

  #answer(answer: Omit<Answer, 'id'>): void {
    this.#change(withLast(this.#conversation, { answer }));
    this.#showAnswer();
  }

  #showAnswer(waiting = ''): void {
    this.#events.message({ ...answerMessage(this.#last), ...(waiting && { waiting }) });
  }

  get #last(): Conversation['turns'][number] {
    return this.#conversation.turns.at(-1)!;
  }

  #change(conversation: Conversation): void {
    this.#conversation = { ...conversation, changedMs: this.#host.nowMs() };
  }

  #save(): void {
    this.#savedMs = this.#host.nowMs();
    this.#events.save(this.#conversation);
  }
}

function situationOf(conversation: Conversation): ReturnType<Answering['situation']> {
  const { messagesDropped } = conversation;
  const known = answered(conversation).map(({ question }) => question.sources);
  return { turns: earlierTurns(conversation), known, messagesDropped };
}

/** None at 0: always the likeliest token. */
export function samplingOf(temperature: number, seed: () => number): Pick<ChatParams, 'sampling'> {
  return temperature > 0 ? { sampling: { temperature, topP: TOP_P, seed: seed() } } : {};
}

/** At most half of the window, so that the question has the other one. */
export function longestAnswer(maxTokens: number, contextLength: number): number {
  return Math.max(1, Math.min(maxTokens, Math.floor(contextLength / 2)));
}
