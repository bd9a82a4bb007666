/** A conversation and the answer being written to its last question. Pure. */
import type { ChatParams, ChatPart, ChatResult } from '../../../engine/wire/protocol.ts';
import type { PageMessage } from '../../../webview/protocol.ts';
import type { ChatModel } from '../../engine/engine.ts';
import { abortable } from '../../common/abortable.ts';
import { errorMessage } from '../../common/errorMessage.ts';
import type { Translate } from '../../common/translate.ts';
import { samplingOf, type SamplingSettings } from '../../engine/sampling.ts';
import { compose, type Composed, type ComposeHost, type ComposeRequest, imageOf, uncounted } from './compose.ts';
import {
  type Answer,
  answerMessage,
  asked,
  before,
  canContinue,
  type Conversation,
  questionMessage,
  saidIn,
  withLast,
} from '../conversation/conversation.ts';
import { picturesOf } from '../conversation/contents.ts';
import { RemoteFailure } from '../../remote/faults.ts';
import { statisticsText } from './statistics.ts';
import type { Attachment } from '../context/attachment.ts';
import type { Manner } from './smallModel.ts';
import { answered, chatTurns, earlierTurns, type ToImage, withImages } from './prompt.ts';

/** How often a growing answer is saved: a crash or a reload loses no more than this. */
const SAVE_EVERY_MS = 1000;
/** Minimum temperature for a regenerated answer, so that it differs from the previous one. */
const OTHER_TEMPERATURE = 0.7;

export interface AnsweringHost extends ComposeHost {
  readonly model: ChatModel;
  settings(): { readonly maxTokens: number; readonly sampling: SamplingSettings };
  /** The model's instruction for a typed text, and the attachments: the user's and those that the text itself implies. */
  instruct(
    text: string,
    attached: readonly Attachment[],
  ): Promise<{ instruction: string; attachments: readonly Attachment[] }>;
  /** How the chat's model is asked a typed text. */
  manner(text: string): Manner;
  /** Whether the loaded model sees pictures; false while none is loaded. */
  seesPictures(): boolean;
  readonly language: string;
  newId(): string;
  seed(): number;
  nowMs(): number;
}

export interface AnsweringEvents {
  message(message: PageMessage): void;
  part(messageId: string, text: string): void;
  save(conversation: Conversation): void;
  /** Something other than the answer that the user should know. */
  notice(text: string): void;
  /** The answer has ended: nothing is being written any more. */
  ended(): void;
}

type Fitted = Extract<ChatPart, { type: 'fitted' }>;

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

  /** Stops within a token; the text written so far stays. */
  async stop(): Promise<void> {
    this.#running?.abort.abort();
    await this.#running?.done;
  }

  /** Takes over a newer state that another window has stored. */
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

  /** Asks a question again with a new text. It keeps its attachments, which are read again. */
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
    // Where another model takes over from a server, the sources have to be fitted again.
    if (answer.fault && answer.text === '') this.#change(withLast(this.#conversation, { question: { prompt: '' } }));
    // A model that was stopped while it thought begins anew.
    this.#answer({ ...(answer.text === '' ? { text: '' } : saidIn(answer)), status: 'writing' });
    this.#start();
  }

  regenerate(): void {
    const answer = this.#conversation.turns.at(-1)?.answer;
    if (!answer) return;
    this.#answer({ text: '', status: 'writing' });
    // If the last answer is empty, there is nothing to differ from.
    this.#start(answer.text === '' ? 0 : OTHER_TEMPERATURE);
  }

  /** The messages in front of a further question, and the sources in them. */
  situation(): Pick<ComposeRequest, 'turns' | 'known'> {
    const { system } = this.#host.manner('');
    return situationOf(this.#conversation, this.#toImage(this.#host.seesPictures()), system);
  }

  #ask(id: string, text: string, attachments: readonly Attachment[]): void {
    const chips = uncounted(this.#host.reader, itemsOf(id, attachments));
    const question = { id, text, attachments: [...attachments], chips, sources: [], prompt: '' };
    this.#change(asked(this.#conversation, question, this.#host.newId()));
    this.#events.message(questionMessage(question));
    this.#answer({ text: '', status: 'writing' });
    this.#start();
  }

  #start(leastTemperature = 0): void {
    this.#save();
    const abort = new AbortController();
    const done = this.#run(leastTemperature, abort.signal)
      .catch((error: unknown) => this.#ended(error, abort.signal))
      .finally(() => {
        this.#running = undefined;
        this.#save();
        this.#showAnswer();
        this.#events.ended();
      });
    this.#running = { abort, done };
  }

  async #run(leastTemperature: number, signal: AbortSignal): Promise<void> {
    const toImage = this.#toImage(await this.#modelSees(signal));
    const { maxTokens, sampling } = this.#host.settings();
    const { system, maxSentences, sampling: defaults, needsCode } = this.#host.manner(this.#last.question.text);
    const request = {
      sessionId: this.#conversation.id,
      maxTokens,
      ...(maxSentences === undefined ? {} : { maxSentences }),
      ...samplingOf(sampling, this.#host.seed(), leastTemperature, defaults),
    };
    if (this.#last.question.prompt !== '') {
      return this.#chat({ ...request, messages: chatTurns(this.#conversation, toImage, system) }, signal);
    }
    const situation = situationOf(before(this.#conversation, this.#last.question.id)!, toImage, system);
    const { question, composed } = await this.#compose(situation, signal);
    const isFirst = situation.turns.length === 1;
    if (needsCode && isFirst && question.attachments.length === 0) throw new Error(nothingGiven(this.#host.t));
    const messages = [...situation.turns, withImages(composed.images, question.instruction)];
    return this.#chat({ ...request, messages, sources: composed.sources }, signal, (fitted) =>
      this.#fitted(fitted, composed, question.attachments),
    );
  }

  async #chat(
    request: Omit<ChatParams, 'modelId'>,
    signal: AbortSignal,
    onFitted: (part: Fitted) => void = () => {},
  ): Promise<void> {
    const begun = this.#last.answer.text.length;
    const result = await this.#host.model.chat(request, signal, (part) => {
      if (signal.aborted) return;
      if (part.type === 'fitted') onFitted(part);
      else if (part.type === 'thought') this.#thought(part.text);
      else if (part.type === 'text') this.#part(part.text);
      else this.#showAnswer(this.#progressText(part));
    });
    this.#finished(result, begun);
  }

  /** Whether the model sees the pictures of this conversation, if it has any; asking loads the model. */
  async #modelSees(signal: AbortSignal): Promise<boolean> {
    const [picture] = this.#conversation.turns.flatMap(({ question }) => picturesOf(question.attachments));
    return picture !== undefined && (await this.#host.model.imageCosts(picture, signal)).length > 0;
  }

  #toImage(sees: boolean): ToImage {
    return (picture) => (sees ? imageOf(this.#host, picture) : undefined);
  }

  #progressText({ step, done, total }: Extract<ChatPart, { type: 'progress' }>): string {
    const { t } = this.#host;
    if (step === 'prompt') return t('Reading the prompt: {0} of {1} tokens', done, total);
    return t('Looking at the picture: crop {0} of {1}', Math.min(done + 1, total), total);
  }

  /** Reads the attachments of the last question. */
  async #compose(situation: ReturnType<Answering['situation']>, signal: AbortSignal) {
    const { question } = this.#last;
    const { instruction, attachments } = await abortable(
      this.#host.instruct(question.text, question.attachments),
      signal,
    );
    const request = {
      ...situation,
      question: question.text,
      items: itemsOf(question.id, attachments),
    };
    const waiting = attachments.some(({ kind }) => kind === 'project')
      ? this.#host.reader.onDidChangeWaiting?.((text) => this.#showAnswer(text))
      : undefined;
    const composed = await compose(this.#host, request, signal).finally(() => waiting?.dispose());
    return { question: { instruction, attachments }, composed };
  }

  /** Stores in the question exactly what the model was given. */
  #fitted({ fit, question: prompt }: Fitted, composed: Composed, attachments: readonly Attachment[]): void {
    const { chips, sources } = composed.describe(fit);
    this.#change(withLast(this.#conversation, { question: { prompt, chips, sources, attachments: [...attachments] } }));
    this.#events.message(questionMessage(this.#last.question));
    this.#showAnswer();
    for (const problem of composed.problems) this.#events.notice(problem);
  }

  #thought(text: string): void {
    const { answer } = this.#last;
    this.#change(withLast(this.#conversation, { answer: { ...answer, thoughts: (answer.thoughts ?? '') + text } }));
  }

  #part(text: string): void {
    const { answer } = this.#last;
    this.#change(withLast(this.#conversation, { answer: { ...answer, text: answer.text + text } }));
    // Thoughts are shown once they are complete.
    if (answer.text === '' && answer.thoughts !== undefined) this.#showAnswer();
    else this.#events.part(answer.id, text);
    if (this.#host.nowMs() - this.#savedMs >= SAVE_EVERY_MS) this.#save();
  }

  /** `begun`: the length of the answer that this one continues. */
  #finished(result: ChatResult, begun: number): void {
    const { answer } = this.#last;
    const { kept = Infinity } = result;
    const said = saidIn({ ...answer, text: answer.text.slice(0, begun + kept) });
    const statuses = { length: 'cut', repetition: 'repeated', end: 'done', text: 'done' } as const;
    const status = statuses[result.stop];
    const figures = statisticsText(result, this.#host.t, this.#host.language);
    this.#change(withLast(this.#conversation, { answer: { ...said, status, figures } }));
  }

  #ended(error: unknown, signal: AbortSignal): void {
    const said = saidIn(this.#last.answer);
    const problem = errorMessage(error);
    const answer: Omit<Answer, 'id'> = signal.aborted
      ? { ...said, status: 'stopped' }
      : { ...said, status: 'failed', problem, ...(error instanceof RemoteFailure ? { fault: 'server' } : {}) };
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

/** What is said in place of an answer that would be made up. */
function nothingGiven(t: Translate): string {
  return t(
    'No code is attached to this question, and a model as small as this one would make some up. Open the file, or type @ to attach one, and ask again.',
  );
}

function situationOf(
  conversation: Conversation,
  toImage: ToImage,
  system: string | undefined,
): ReturnType<Answering['situation']> {
  const known = answered(conversation).map(({ question }) => question.sources);
  return { turns: earlierTurns(conversation, toImage, system), known };
}

function itemsOf(questionId: string, attachments: readonly Attachment[]): ComposeRequest['items'] {
  return attachments.map((attachment, i) => ({ id: `${questionId}-${i}`, attachment }));
}
