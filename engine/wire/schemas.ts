/** The types of protocol.ts as schemas, against which every message is checked once when it arrives. */
import { isAbsolute } from 'node:path';
import * as z from 'zod';
import type { ChatTurn, Method, Methods, ModelInfo, NotificationName, Notifications } from './protocol.ts';

/** Limit for one text; the extension sends far shorter ones. */
const MAX_TEXT_CHARS = 4_000_000;
/** As in the setting chat.maxTokens. */
const MAX_TOKENS = 8192;
const MAX_LINES = 100_000_000;
/** Limits for one call, far above what any window holds. */
const MAX_MESSAGES = 10_000;
const MAX_SOURCES = 1000;
const MAX_CONTENTS = 100;
const MAX_TEXTS = 10_000;
/** Each token of the text to score takes a row of logits. */
const MAX_SCORED_CHARS = 500;
const MAX_BEGINNING_CHARS = 10_000;
const MAX_BEGINNINGS = 100;
const MAX_SCORING_MS = 60_000;
/** phi-3-vision was trained with 16; more would only be slow. */
export const MAX_CROPS = 64;
const pixels = z.int().min(1).max(100_000);

const backend = z.enum(['webgpu', 'wasm', 'reference']);
const text = z.string().max(MAX_TEXT_CHARS);

const temperature = z.number().min(0).max(10);
const lineCount = z.int().min(0).max(MAX_LINES);

const modelInfo = z.object({
  modelId: z.string(),
  name: z.string(),
  contextLength: z.number(),
  backend,
  chat: z.boolean(),
  longestAnswer: z.number(),
  images: z.object({ mostCrops: z.number() }).nullable(),
  device: z.string(),
  notes: z.array(z.string()),
  bytes: z.number(),
  sampling: z.object({
    temperature: z.number(),
    topP: z.number(),
    topK: z.number(),
    minP: z.number(),
    repetitionPenalty: z.number(),
  }),
}) satisfies z.ZodType<ModelInfo>;

const absolutePath = z.string().refine(isAbsolute, 'must be an absolute path');
const mostCrops = z.int().min(1).max(MAX_CROPS);
const content = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text'), text }),
  z.object({ type: z.literal('image'), file: absolutePath, mostCrops: mostCrops.exactOptional() }),
]);
const messages = z
  .array(z.object({ role: z.enum(['system', 'user', 'assistant']), content: z.array(content).max(MAX_CONTENTS) }))
  .min(1)
  .max(MAX_MESSAGES)
  .refine(takeTurns, 'must begin with at most one system message, then a user and the assistant in turn')
  .refine(onlyUsersShow, "only the user's messages can hold pictures");

const sources = z
  .array(
    z.object({
      name: z.string(),
      text,
      firstLine: z.int().min(1).exactOptional(),
      cursor: z.int().min(0).exactOptional(),
      whole: z.boolean().exactOptional(),
      heldBy: z.int().min(0).exactOptional(),
    }),
  )
  .max(MAX_SOURCES);

const completion = z.object({
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
  notIn: z.array(z.enum(['comments', 'strings'])).exactOptional(),
  alternatives: z.int().min(0).max(4).exactOptional(),
  otherFiles: z.array(z.object({ path: z.string(), text: z.string() })).exactOptional(),
});

export const methodSchemas: { [M in Method]: z.ZodType<Methods[M]['params']> } = {
  initialize: z.object({ version: z.string(), token: z.string() }),
  load: z.object({
    model: z.union([z.string().min(1), z.object({ name: z.string(), randomConfig: z.looseObject({}) })]),
    backend: z.union([backend, z.literal('auto')]),
    allowSoftwareGpu: z.boolean().exactOptional(),
    kvDiskCache: z.object({ folder: absolutePath, maxBytes: z.number().positive() }).exactOptional(),
  }),
  complete: completion,
  prefill: completion,
  chat: z
    .object({
      modelId: z.string(),
      sessionId: z.string(),
      messages,
      sources: sources.exactOptional(),
      maxTokens: z.int().min(1).max(MAX_TOKENS),
      maxSentences: z.int().min(1).exactOptional(),
      sampling: z
        .object({
          temperature: temperature.exactOptional(),
          topP: z.number().gt(0).max(1).exactOptional(),
          topK: z.int().min(0).exactOptional(),
          minP: z.number().min(0).max(1).exactOptional(),
          repetitionPenalty: z.number().min(0.1).max(10).exactOptional(),
          seed: z.int(),
          leastTemperature: temperature.exactOptional(),
        })
        .exactOptional(),
    })
    .refine(
      ({ messages, sources }) => !sources || messages.at(-1)?.role === 'user',
      "sources need a question: the last message must be the user's",
    ),
  fit: z.object({
    modelId: z.string(),
    messages,
    sources,
    maxTokens: z.int().min(1).max(MAX_TOKENS),
  }),
  countTokens: z.object({ modelId: z.string(), texts: z.array(text).max(MAX_TEXTS) }),
  likelihoods: z.object({
    modelId: z.string(),
    text: z.string().min(1).max(MAX_SCORED_CHARS),
    beginnings: z.array(z.string().max(MAX_BEGINNING_CHARS)).max(MAX_BEGINNINGS),
    milliseconds: z.int().min(1).max(MAX_SCORING_MS),
  }),
  imageCosts: z.object({ modelId: z.string(), width: pixels, height: pixels }),
  doctor: z.object({ allowSoftwareGpu: z.boolean().exactOptional() }),
  traffic: z.object({}),
};

export const notificationSchemas: { [N in NotificationName]: z.ZodType<Notifications[N]> } = {
  goodbye: z.object({}),
  closed: z.object({ sessionId: z.string() }),
  typing: z.object({}),
  backgroundPrefill: z.object({ sessionId: z.string(), active: z.boolean() }),
  unloaded: z.object({ modelId: z.string() }),
  backendChanged: z.object({ model: modelInfo, reason: z.string() }),
};

function onlyUsersShow(turns: readonly ChatTurn[]): boolean {
  return turns.every(({ role, content }) => role === 'user' || content.every(({ type }) => type === 'text'));
}

function takeTurns(turns: readonly ChatTurn[]): boolean {
  const spoken = turns[0]?.role === 'system' ? turns.slice(1) : turns;
  return spoken.length > 0 && spoken.every(({ role }, i) => role === (i % 2 === 0 ? 'user' : 'assistant'));
}

/** The first problem of an input, as in "complete: maxTokens: expected number, received string". */
export function firstProblem(subject: string, error: z.ZodError): string {
  const issue = error.issues[0];
  if (!issue) return `${subject}: the input is not valid.`;
  return [subject, issue.path.join('.'), issue.message].filter(Boolean).join(': ');
}
