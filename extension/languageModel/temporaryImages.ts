/** Images of one request, as private files for the engine. No vscode. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ChatImage } from '../../engine/wire/protocol.ts';
import type { Translate } from '../common/translate.ts';
import { MOST_BYTES } from '../pictures/picture.ts';
import { pngSize } from '../pictures/pngHeader.ts';

/** The part of `vscode.LanguageModelDataPart` that is needed here; older versions of VS Code do not have it. */
export interface DataPart {
  readonly mimeType: string;
  readonly data: Uint8Array;
}

export function isDataPart(part: unknown): part is DataPart {
  const { mimeType, data } = part as Partial<DataPart>;
  return typeof mimeType === 'string' && data instanceof Uint8Array;
}

export class TemporaryImages {
  #folder: Promise<string> | undefined;
  readonly #t: Translate;

  constructor(t: Translate) {
    this.#t = t;
  }

  /** Writes the image where only the user can read it. Rejects with a sentence if it is not a PNG file. */
  async add({ mimeType, data }: DataPart): Promise<ChatImage> {
    const t = this.#t;
    if (mimeType !== 'image/png') throw new Error(t('The local model takes PNG images only, not {0}.', mimeType));
    if (data.length > MOST_BYTES || !pngSize(data)) throw new Error(t('An image is no PNG file, or too large.'));
    this.#folder ??= mkdtemp(join(tmpdir(), 'airgap-images-'));
    const file = join(await this.#folder, `${randomBytes(8).toString('hex')}.png`);
    await writeFile(file, data, { mode: 0o600 });
    return { type: 'image', file };
  }

  async remove(): Promise<void> {
    if (this.#folder) await rm(await this.#folder, { recursive: true, force: true });
  }
}
