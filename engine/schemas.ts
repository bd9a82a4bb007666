/** The shapes of protocol.ts at run time: whatever arrives is checked against them once, here at the edge. */
import { isAbsolute } from 'node:path';
import * as z from 'zod';
import type { Method, Methods, ModelInfo, NotificationName, Notifications } from './protocol.ts';

/** One document's text; the extension sends far less. */
const MAX_TEXT_CHARS = 4_000_000;
const MAX_TOKENS = 4096;
const MAX_LINES = 100_000_000;

const backend = z.enum(['webgpu', 'wasm', 'reference']);
const text = z.string().max(MAX_TEXT_CHARS);

const lineCount = z.int().min(0).max(MAX_LINES);

const modelInfo = z.object({
  modelId: z.string(),
  name: z.string(),
  contextLength: z.number(),
  backend,
  device: z.string(),
  notes: z.array(z.string()),
  bytes: z.number(),
}) satisfies z.ZodType<ModelInfo>;

export const methodSchemas: { [M in Method]: z.ZodType<Methods[M]['params']> } = {
  initialize: z.object({ version: z.string(), token: z.string() }),
  load: z.object({
    modelDir: z.string().min(1),
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
  doctor: z.object({ allowSoftwareGpu: z.boolean().exactOptional() }),
};

export const notificationSchemas: { [N in NotificationName]: z.ZodType<Notifications[N]> } = {
  goodbye: z.object({}),
  closed: z.object({ sessionId: z.string() }),
  reading: z.object({ sessionId: z.string(), active: z.boolean() }),
  backendChanged: z.object({ model: modelInfo, reason: z.string() }),
};

/** The first thing wrong with an input, as one sentence: "complete: maxTokens: expected number, received string". */
export function firstProblem(subject: string, error: z.ZodError): string {
  const issue = error.issues[0];
  if (!issue) return `${subject}: the input is not valid.`;
  return [subject, issue.path.join('.'), issue.message].filter(Boolean).join(': ');
}
