/** Exports a conversation as Markdown. Pure. */
import type { Translate } from '../../common/translate.ts';
import type { ExportedChat, FileCopy } from '../controllerHost.ts';
import type { PictureAttachment } from '../context/attachment.ts';
import { picturesOf } from './contents.ts';
import type { Conversation, SentSource } from './conversation.ts';

/** A conversation as files: its text, and copies of its pictures. `pictureFile` gives undefined where one is gone. */
export function exported(
  conversation: Conversation,
  { t, pictureFile }: { readonly t: Translate; pictureFile(hash: string): string | undefined },
): ExportedChat {
  const copies = pictureCopies(conversation, pictureFile);
  return { name: fileName(conversation.title), text: asMarkdown(conversation, t), copies };
}

export function asMarkdown({ title, turns }: Conversation, t: Translate): string {
  const parts = turns.flatMap(({ question, answer }) => [
    `## ${t('Question')}`,
    quoted(question.text),
    ...picturesOf(question.attachments).map((picture) => `![${label(picture.name)}](${encodeURI(pathOf(picture))})`),
    ...sourceList(question.sources, t),
    `## ${t('Answer')}`,
    closed(answer.text),
    ...(answer.problem === undefined ? [] : [`*${answer.problem}*`]),
  ]);
  return `${[`# ${title.replace(/\s+/g, ' ')}`, ...parts].join('\n\n')}\n`;
}

/** The files of all pictures that are still there. */
function pictureCopies({ turns }: Conversation, fileOf: (hash: string) => string | undefined): FileCopy[] {
  const pictures = turns.flatMap(({ question }) => picturesOf(question.attachments));
  const targets = new Map(pictures.map((picture) => [pathOf(picture), fileOf(picture.hash)]));
  return [...targets].flatMap(([to, from]) => (from === undefined ? [] : [{ from, to }]));
}

/** A name that says what the picture is, and by its hash differs from those of other pictures. */
function pathOf({ name, hash }: PictureAttachment): string {
  const words = name
    .replace(/\.\w+$/, '')
    .replace(/[^\p{L}\p{N}._-]+/gu, '-')
    .replace(/^[-.]+|[-.]+$/g, '');
  return `pictures/${words || 'picture'}-${hash.slice(0, 8)}.png`;
}

const label = (name: string): string => name.replace(/[[\]\\]/g, ' ');

/** A file name that every operating system allows. */
export function fileName(title: string): string {
  return `${
    title
      .replace(/[^\p{L}\p{N} ._-]+/gu, ' ')
      .replace(/\s+/g, ' ')
      .replace(/^[ .]+|[ .]+$/g, '') || 'chat'
  }.md`;
}

/** A question is plain text, so nothing in it may become a heading. */
function quoted(text: string): string {
  return text
    .split('\n')
    .map((line) => `> ${line}`)
    .join('\n');
}

function sourceList(sources: readonly SentSource[], t: Translate): string[] {
  if (sources.length === 0) return [];
  const items = sources.map(({ name, lines }) => {
    const ranges = lines.map(([first, last]) => `${first}-${last}`).join(', ');
    return `- \`${name.replace(/[`\n]/g, "'")}\`${ranges && `: ${ranges}`}`;
  });
  return [`${t('Sources')}:\n\n${items.join('\n')}`];
}

/** Closes a code block in which an answer was cut off, so that it does not swallow the text that follows. */
function closed(text: string): string {
  let open: string | undefined;
  for (const line of text.split('\n')) {
    const [, mark, rest] = /^ {0,3}(`{3,}|~{3,})(.*)$/.exec(line) ?? [];
    if (mark === undefined) continue;
    if (open === undefined) open = mark;
    else if (mark.startsWith(open) && rest!.trim() === '') open = undefined;
  }
  return open === undefined ? text : `${text}\n${open}`;
}
