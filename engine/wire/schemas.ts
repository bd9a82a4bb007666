/** The shapes of protocol.ts at run time: whatever arrives is checked against them once, here at the edge. */
import { isAbsolute } from 'node:path';
import * as z from 'zod';
import type { ChatTurn, Method, Methods, ModelInfo, NotificationName, Notifications } from './protocol.ts';

/** One document's text; the extension sends far less. */
const MAX_TEXT_CHARS = 4_000_000;
/** As the setting chat.maxTokens allows. */
const MAX_TOKENS = 8192;
const MAX_LINES = 100_000_000;
/** Of one call: far more than any window holds. */
const MAX_MESSAGES = 10_000;
const MAX_SOURCES = 1000;
const MAX_TEXTS = 10_000;

const backend = z.enum(['webgpu', 'wasm', 'reference']);
const text = z.string().max(MAX_TEXT_CHARS);

const lineCount = z.int().min(0).max(MAX_LINES);

const modelInfo = z.object({
  modelId: z.string(),
  name: z.string(),
  contextLength: z.number(),
  backend,
  chat: z.boolean(),
  device: z.string(),
  notes: z.array(z.string()),
  bytes: z.number(),
}) satisfies z.ZodType<ModelInfo>;

const messages = z
  .array(z.object({ role: z.enum(['system', 'user', 'assistant']), text }))
  .min(1)
  .max(MAX_MESSAGES)
  .refine(takeTurns, 'must begin with at most one system message, then a user and the assistant in turn');

export const methodSchemas: { [M in Method]: z.ZodType<Methods[M]['params']> } = {
  initialize: z.object({ version: z.string(), token: z.string() }),
  load: z.object({
    model: z.union([z.string().min(1), z.object({ name: z.string(), randomConfig: z.looseObject({}) })]),
    backend: z.union([backend, z.literal('auto')]),
    allowSoftwareGpu: z.boolean().exactOptional(),
    keepOnDisk: z
      .object({ folder: z.string().refine(isAbsolute, 'must be an absolute path'), maxBytes: z.number().positive() })
      .exactOptional(),
  }),
  complete: z.object({
    modelId: z.string(),
    sessionId: z.string(),
    fileName: z.string(),
    languageId: z.string(),
    prefix: text,
    suffix: text,
    linesBefore: lineCount.exactOptional(),
    linesAfter: lineCount.exactOptional(),
    maxTokens: z.int().min(1).max(MAX_TOKENS),
    multiline: z.enum(['auto', 'always', 'never']),
  }),
  chat: z.object({
    modelId: z.string(),
    sessionId: z.string(),
    messages,
    maxTokens: z.int().min(1).max(MAX_TOKENS),
    sampling: z
      .object({ temperature: z.number().min(0).max(10), topP: z.number().gt(0).max(1), seed: z.int() })
      .exactOptional(),
  }),
  fit: z.object({
    modelId: z.string(),
    messages,
    sources: z.array(z.object({ name: z.string(), text, cursor: z.int().min(0).exactOptional() })).max(MAX_SOURCES),
    maxTokens: z.int().min(1).max(MAX_TOKENS),
  }),
  countTokens: z.object({ modelId: z.string(), texts: z.array(text).max(MAX_TEXTS) }),
  doctor: z.object({ allowSoftwareGpu: z.boolean().exactOptional() }),
};

export const notificationSchemas: { [N in NotificationName]: z.ZodType<Notifications[N]> } = {
  goodbye: z.object({}),
  closed: z.object({ sessionId: z.string() }),
  reading: z.object({ sessionId: z.string(), active: z.boolean() }),
  backendChanged: z.object({ model: modelInfo, reason: z.string() }),
};

function takeTurns(turns: readonly ChatTurn[]): boolean {
  const spoken = turns[0]?.role === 'system' ? turns.slice(1) : turns;
  return spoken.length > 0 && spoken.every(({ role }, i) => role === (i % 2 === 0 ? 'user' : 'assistant'));
}

/** The first thing wrong with an input, as one sentence: "complete: maxTokens: expected number, received string". */
export function firstProblem(subject: string, error: z.ZodError): string {
  const issue = error.issues[0];
  if (!issue) return `${subject}: the input is not valid.`;
  return [subject, issue.path.join('.'), issue.message].filter(Boolean).join(': ');
}
