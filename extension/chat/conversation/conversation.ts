/** A conversation and its changes, each of which returns a new conversation. Pure. */
import * as z from 'zod';
import type { Chip, PageMessage } from '../../../webview/protocol.ts';
import type { Attachment } from '../context/attachment.ts';

const LONGEST_TITLE = 60;

const line = z.int().min(0);
const pixels = z.int().min(1);
const mostCrops = z.int().min(1).exactOptional();
const hash = z.string().regex(/^[0-9a-f]{64}$/);
const attachmentSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.enum(['file', 'folder']), uri: z.string(), automatic: z.boolean().exactOptional() }),
  z.object({ kind: z.literal('instructions'), uri: z.string() }),
  z.object({ kind: z.literal('selection'), uri: z.string(), firstLine: line, lastLine: line }),
  z.object({ kind: z.literal('symbol'), uri: z.string(), name: z.string(), firstLine: line, lastLine: line }),
  z.object({ kind: z.literal('problems'), uri: z.string().exactOptional(), line: line.exactOptional() }),
  z.object({ kind: z.literal('terminal'), text: z.string() }),
  z.object({ kind: z.literal('changes'), staged: z.boolean().exactOptional() }),
  z.object({ kind: z.literal('project') }),
  z.object({ kind: z.literal('picture'), hash, name: z.string(), width: pixels, height: pixels, mostCrops }),
]) satisfies z.ZodType<Attachment>;

const chipSchema = z.object({
  id: z.string(),
  kind: z.enum([
    'instructions',
    'selection',
    'file',
    'folder',
    'symbol',
    'problems',
    'terminal',
    'changes',
    'project',
    'picture',
  ]),
  label: z.string(),
  detail: z.string(),
  tokens: z.number().exactOptional(),
  cut: z.string(),
  uri: z.string().exactOptional(),
  line: z.number().exactOptional(),
  picture: z
    .object({
      hash,
      width: pixels,
      height: pixels,
      costs: z.array(z.object({ mostCrops: z.number(), tokens: z.number(), seconds: z.number().nullable() })),
      mostCrops,
      words: z.int().min(0).exactOptional(),
    })
    .exactOptional(),
}) satisfies z.ZodType<Chip>;

const questionSchema = z.object({
  id: z.string(),
  /** Text as the user typed it. */
  text: z.string(),
  attachments: z.array(attachmentSchema),
  chips: z.array(chipSchema),
  sources: z.array(
    z.object({
      name: z.string(),
      uri: z.string(),
      lines: z.array(z.tuple([line, line])),
      totalLines: line,
      /** Hash of the whole text that was read, to detect later changes. */
      hash: z.string(),
    }),
  ),
  /**
   * The exact text that the model was given, so that later prompts begin with the same tokens; empty until it is built.
   */
  prompt: z.string(),
});

const answerSchema = z.object({
  id: z.string(),
  text: z.string(),
  /** Shown with the answer; never a part of prompts. */
  thoughts: z.string().exactOptional(),
  status: z.enum(['writing', 'done', 'stopped', 'cut', 'repeated', 'failed']),
  problem: z.string().exactOptional(),
  fault: z.literal('server').exactOptional(),
  figures: z.string().exactOptional(),
});

/** A conversation as stored on disk. */
export const conversationSchema = z.object({
  version: z.literal(1),
  id: z.string(),
  /** Empty until the first question. */
  title: z.string(),
  createdMs: z.number(),
  changedMs: z.number(),
  turns: z.array(z.object({ question: questionSchema, answer: answerSchema })),
});

export type Conversation = z.output<typeof conversationSchema>;
export type Turn = Conversation['turns'][number];
export type Question = Turn['question'];
export type Answer = Turn['answer'];
export type SentSource = Question['sources'][number];

export function emptyConversation(id: string, nowMs: number): Conversation {
  return { version: 1, id, title: '', createdMs: nowMs, changedMs: nowMs, turns: [] };
}

/** Appends a question whose answer is being written; the first question names the conversation. */
export function asked(conversation: Conversation, question: Question, answerId: string): Conversation {
  const answer: Answer = { id: answerId, text: '', status: 'writing' };
  const title = conversation.title || titleOf(question.text);
  return { ...conversation, title, turns: [...conversation.turns, { question, answer }] };
}

/** The conversation up to, but excluding, the question with this ID; undefined if there is none. */
export function before(conversation: Conversation, questionId: string): Conversation | undefined {
  const index = conversation.turns.findIndex(({ question }) => question.id === questionId);
  return index < 0 ? undefined : { ...conversation, turns: conversation.turns.slice(0, index) };
}

/** Changes the last turn. A new answer also replaces `problem` and `figures`. */
export function withLast(
  conversation: Conversation,
  change: { question?: Partial<Question>; answer?: Omit<Answer, 'id'> },
): Conversation {
  const { question, answer } = conversation.turns.at(-1)!;
  const turn = {
    question: { ...question, ...change.question },
    answer: change.answer ? { ...change.answer, id: answer.id } : answer,
  };
  return { ...conversation, turns: conversation.turns.with(-1, turn) };
}

/** The conversation as stored: an answer that is being written counts as stopped. */
export function asStored(conversation: Conversation): Conversation {
  const answer = conversation.turns.at(-1)?.answer;
  if (answer?.status !== 'writing') return conversation;
  return withLast(conversation, { answer: { ...saidIn(answer), status: 'stopped' } });
}

/** What an answer consists of, without what became of it. */
export function saidIn({ text, thoughts }: Answer): Pick<Answer, 'text' | 'thoughts'> {
  return thoughts === undefined ? { text } : { text, thoughts };
}

/** Whether the last answer can be continued. */
export function canContinue(conversation: Conversation): boolean {
  const status = conversation.turns.at(-1)?.answer.status;
  return status === 'stopped' || status === 'cut' || status === 'failed';
}

export function pageMessages({ turns }: Conversation): PageMessage[] {
  return turns.flatMap(({ question, answer }) => [questionMessage(question), answerMessage({ question, answer })]);
}

export function questionMessage({ id, text, chips }: Question): PageMessage {
  return { id, role: 'user', text, status: 'done', chips };
}

/** The sources are shown under the answer whose question included them. */
export function answerMessage({ question, answer }: Turn): PageMessage {
  const sources = question.sources.map(({ name, uri, lines, totalLines }) => ({ name, uri, lines, totalLines }));
  return { role: 'assistant', ...answer, sources };
}

/** The text on one line, cut at a word if it is long. */
export function titleOf(text: string): string {
  const words = text.replace(/\s+/g, ' ').trim();
  if (words.length <= LONGEST_TITLE) return words;
  const cut = words.slice(0, LONGEST_TITLE - 1);
  const space = cut.lastIndexOf(' ');
  const kept = space > LONGEST_TITLE / 2 ? cut.slice(0, space) : cut;
  // Removes the first half of a surrogate pair that was cut in two.
  return `${kept.replace(/[\uD800-\uDBFF]$/, '')}…`;
}
