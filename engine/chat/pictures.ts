import { BadRequest } from '../errors.ts';
import { promptImage, type PromptImage } from '../vision/promptImage.ts';
import { identifyPicture, openPicture, type Picture } from '../vision/pictureFile.ts';
import type { ChatImage, ChatTurn, ModelInfo } from '../wire/protocol.ts';

/** A picture in a conversation. */
export interface ChatPicture {
  readonly picture: Picture;
  readonly mostCrops: number;
  readonly image: PromptImage;
}

export type ChatPictures = ReadonlyMap<ChatImage, ChatPicture>;

/** A Unicode noncharacter, which stands for a picture in a message while the conversation is rendered. */
export const PICTURE = '\uFDD2';

/**
 * Reads what prompts have to know of the pictures in a conversation. `measured`: only their sizes are to be right.
 * Rejects with BadRequest where the model sees no pictures, or a file is none.
 */
export async function readPictures(
  messages: readonly ChatTurn[],
  { name, images }: Pick<ModelInfo, 'name' | 'images'>,
  signal: AbortSignal,
  measured: 'measured' | 'identified',
): Promise<ChatPictures> {
  const pictures = new Map<ChatImage, ChatPicture>();
  for (const piece of imagesOf(messages)) {
    if (!images) throw new BadRequest(`${name} cannot see pictures.`);
    const { file, mostCrops = images.mostCrops } = piece;
    const picture =
      measured === 'measured' ? { ...(await openPicture(file)), hash: file } : await identifyPicture(file, signal);
    pictures.set(piece, { picture, mostCrops, image: promptImage(picture, mostCrops) });
  }
  return pictures;
}

/** The pictures of messages, in order. */
export function imagesOf(messages: readonly ChatTurn[]): ChatImage[] {
  return messages.flatMap(({ content }) => content.filter((piece) => piece.type === 'image'));
}

/** A message as the template gets it: its text, and a mark and a line break for each picture, as the model was trained. */
export function markedText({ content }: ChatTurn): string {
  return content
    .map((piece) => (piece.type === 'image' ? `${PICTURE}\n` : piece.text.replaceAll(PICTURE, '')))
    .join('');
}

/** The message with another text. Its pictures stand in front of it. */
export function withText(turn: ChatTurn, text: string): ChatTurn {
  return { ...turn, content: [...imagesOf([turn]), { type: 'text', text }] };
}
