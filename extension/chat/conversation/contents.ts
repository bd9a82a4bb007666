/** What conversations refer to: files and pictures. Pure. */
import type { Attachment, PictureAttachment } from '../context/attachment.ts';
import type { Conversation } from './conversation.ts';

/** The addresses of what the model was given, and of what was attached. */
export function linksOf({ turns }: Conversation): { sources: string[]; chips: string[] } {
  const uris = (links: { readonly uri?: string }[]): string[] => links.flatMap(({ uri }) => uri || []);
  return {
    sources: uris(turns.flatMap(({ question }) => question.sources)),
    chips: uris(turns.flatMap(({ question }) => question.chips)),
  };
}

/** The pictures that were attached to a question. */
export function picturesOf(attachments: readonly Attachment[]): PictureAttachment[] {
  return attachments.filter((attachment) => attachment.kind === 'picture');
}

/** The hashes of all pictures in a conversation. */
export function picturesIn({ turns }: Conversation): string[] {
  return turns.flatMap(({ question }) => picturesOf(question.attachments).map(({ hash }) => hash));
}
