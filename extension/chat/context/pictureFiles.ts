/** Attached files that are pictures become pictures of the store. Pure. */
import type { Picture, Pictures } from '../../pictures/picture.ts';
import type { Attachment, PictureAttachment } from './attachment.ts';

/** Names of the kinds that browsers decode; SVG is text. */
const PICTURE = /\.(png|jpe?g|webp|gif|bmp|avif)$/i;

/** Whether a file's address looks like that of a picture. */
export function isPicture(uri: string): boolean {
  return PICTURE.test(URL.parse(uri)?.pathname ?? '');
}

/**
 * Decodes the pictures among the attachments and calls `use` with all that could be had. The pictures stay while `use`
 * runs, and then while a draft or conversation contains them. Rejects with the first sentence that says what failed.
 */
export async function withPictures(
  pictures: Pictures,
  attachments: readonly Attachment[],
  use: (attachments: Attachment[]) => Promise<void> | void,
): Promise<void> {
  const decoded: Picture[] = [];
  const ready: Attachment[] = [];
  const failures: unknown[] = [];
  try {
    for (const attachment of attachments) {
      if (attachment.kind !== 'file' || !isPicture(attachment.uri)) {
        ready.push(attachment);
        continue;
      }
      try {
        const picture = await pictures.decode(attachment.uri);
        decoded.push(picture);
        ready.push(pictureAttachment(picture));
      } catch (error) {
        failures.push(error);
      }
    }
    if (ready.length > 0 || failures.length === 0) await use(ready);
  } finally {
    await Promise.all(decoded.map((picture) => pictures.release(picture)));
  }
  if (failures.length > 0) throw failures[0];
}

export function pictureAttachment({ hash, name, width, height }: Picture): PictureAttachment {
  return { kind: 'picture', hash, name, width, height };
}
