/** Validates messages from the page, which handles untrusted text of the user and the model. Pure. */
import * as z from 'zod';
import type { FromPage } from '../../../webview/protocol.ts';
import { LONGEST_SIDE, MOST_BYTES, PIECE_BYTES } from '../../pictures/picture.ts';

/** Allows for a question with a long pasted text, or a long code block. */
const MAX_TEXT_CHARS = 1_000_000;
const MAX_NAME_CHARS = 10_000;
/** Longer than names of files. */
const MAX_PICTURE_NAME_CHARS = 300;
const MAX_DROPPED = 100;

const id = z.string().regex(/^[\w.:-]{1,200}$/);
const text = z.string().max(MAX_TEXT_CHARS);
const name = z.string().max(MAX_NAME_CHARS);
/** ID of a conversation, restricted to characters that are safe in a file name. */
const conversationId = z.string().regex(/^[\w-]{1,100}$/);
const number = z.int().min(0);
const piece = z
  .instanceof(Uint8Array<ArrayBuffer>)
  .refine(({ length }) => length <= PIECE_BYTES, `must have at most ${PIECE_BYTES} bytes`);
const href = name.refine((address) => /^https?:$/.test(URL.parse(address)?.protocol ?? ''));

const schema = z.discriminatedUnion('type', [
  z.object({
    type: z.enum(['ready', 'stop', 'continue', 'regenerate', 'newConversation']),
  }),
  z.object({
    type: z.literal('run'),
    command: z.enum(['restart', 'getChatModel', 'chooseModel', 'server', 'log', 'traffic', 'useLocal']),
  }),
  z.object({ type: z.literal('send'), text }),
  z.object({ type: z.literal('edit'), messageId: id, text }),
  z.object({ type: z.enum(['openConversation', 'deleteConversation', 'exportConversation']), conversationId }),
  z.object({ type: z.literal('renameConversation'), conversationId, title: name }),
  z.object({ type: z.literal('listConversations'), query: name }),
  z.object({ type: z.literal('suggest'), request: z.int().min(0), text: name }),
  z.object({ type: z.literal('attach'), suggestionId: id }),
  z.object({ type: z.literal('detach'), chipId: id }),
  z.object({
    type: z.literal('code'),
    action: z.enum(['copy', 'insert', 'replace', 'newFile', 'apply', 'terminal']),
    code: text,
    language: name,
    path: name,
  }),
  z.object({ type: z.literal('copyMessage'), messageId: id }),
  z.object({ type: z.literal('openSource'), uri: name, line: z.int().min(0) }),
  z.object({ type: z.literal('openLink'), href }),
  z.object({ type: z.literal('pickPicture') }),
  z.object({ type: z.literal('dropped'), uris: z.array(name.refine((uri) => URL.canParse(uri))).max(MAX_DROPPED) }),
  z.object({ type: z.literal('limitCrops'), chipId: id, mostCrops: z.int().min(1) }),
  z.object({
    type: z.literal('picture'),
    transfer: number,
    name: z.string().max(MAX_PICTURE_NAME_CHARS),
    width: z.int().min(1).max(LONGEST_SIDE),
    height: z.int().min(1).max(LONGEST_SIDE),
    bytes: z.int().min(1).max(MOST_BYTES),
    decode: number.exactOptional(),
  }),
  z.object({ type: z.literal('picturePiece'), transfer: number, offset: number, data: piece }),
  z.object({ type: z.literal('fileWanted'), decode: number, offset: number }),
  z.object({ type: z.literal('pictureFailed'), decode: number, text: name }),
]) satisfies z.ZodType<FromPage>;

/** The message, or a description of what is wrong with it. */
export function parseMessage(message: unknown): { message: FromPage } | { problem: string } {
  const parsed = schema.safeParse(message);
  return parsed.success ? { message: parsed.data } : { problem: z.prettifyError(parsed.error).slice(0, 500) };
}
