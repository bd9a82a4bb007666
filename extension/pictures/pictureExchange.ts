/** Pictures between host and page, piece by piece: those that the page has decoded, and files for it to decode. Pure. */
import type { PictureToPage, PictureTransfer } from '../../webview/protocol.ts';
import { abortable } from '../common/abortable.ts';
import type { Translate } from '../common/translate.ts';
import { oneLine } from '../reading/plainText.ts';
import { type Picture, PIECE_BYTES, type Pictures } from './picture.ts';
import type { PictureStore } from './pictureStore.ts';

export interface PicturePage {
  post(message: PictureToPage): unknown;
}

export interface PictureExchangeHost {
  readonly store: PictureStore;
  readonly t: Translate;
  /** Shows a page that can decode. */
  openPage(signal: AbortSignal): Promise<PicturePage>;
  /** Rejects with a sentence. */
  readFile(uri: string): Promise<{ name: string; data: Uint8Array<ArrayBuffer> }>;
  /** Makes a chip of a picture that the user has given to the page; holds the picture itself. */
  attach(picture: Picture): void;
}

interface Waiting<T> {
  readonly page: PicturePage;
  resolve(value: T): void;
  reject(error: Error): void;
}
interface WaitingPiece extends Waiting<Uint8Array> {
  readonly transfer: number;
  readonly offset: number;
}
interface Decoding extends Waiting<Picture> {
  readonly data: Uint8Array<ArrayBuffer>;
}
type Announced = Extract<PictureTransfer, { type: 'picture' }>;

export class PictureExchange implements Pictures {
  /** The piece that each page is to send next. */
  readonly #pieces = new Map<PicturePage, WaitingPiece>();
  /** Files with pages that decode them. */
  readonly #decodings = new Map<number, Decoding>();
  #lastDecode = 0;
  /** One file is decoded after another, since each may take hundreds of megabytes meanwhile. */
  #queue: Promise<unknown> = Promise.resolve();
  readonly #host: PictureExchangeHost;

  constructor(host: PictureExchangeHost) {
    this.#host = host;
  }

  decode(uri: { toString(): string }, signal: AbortSignal = new AbortController().signal): Promise<Picture> {
    const done = this.#queue.then(() => this.#decode(uri.toString(), signal));
    this.#queue = done.catch(() => {});
    return done;
  }

  release({ hash }: Picture): Promise<void> {
    return this.#host.store.release(hash);
  }

  /** Handles a message of a page. Rejects with a sentence for the user. */
  async handle(message: PictureTransfer, page: PicturePage): Promise<void> {
    switch (message.type) {
      case 'picture':
        return this.#receive(message, page);
      case 'picturePiece': {
        const waiting = this.#pieces.get(page);
        if (waiting?.transfer === message.transfer && waiting.offset === message.offset) waiting.resolve(message.data);
        return;
      }
      case 'fileWanted': {
        const { decode, offset } = message;
        const data = this.#decodingOf(decode, page)?.data.slice(offset, offset + PIECE_BYTES);
        if (data) page.post({ type: 'filePiece', decode, offset, data });
        return;
      }
      case 'pictureFailed':
        return this.#decodingOf(message.decode, page)?.reject(new Error(message.text));
    }
  }

  /** The page is hidden or loads again: nothing that it was about to send will come. */
  left(page: PicturePage): void {
    const error = new Error(this.#host.t('The chat was closed before the picture was ready.'));
    this.#pieces.get(page)?.reject(error);
    for (const decoding of this.#decodings.values()) if (decoding.page === page) decoding.reject(error);
  }

  async #receive(message: Announced, page: PicturePage): Promise<void> {
    const decoding = message.decode === undefined ? undefined : this.#decodingOf(message.decode, page);
    try {
      const picture = await this.#kept(message, page);
      if (decoding) return decoding.resolve(picture);
      // What the host wanted decoded, and wants no more, becomes no chip.
      if (message.decode === undefined) this.#host.attach(picture);
      await this.release(picture);
    } catch (error) {
      if (!decoding) throw error;
      decoding.reject(error as Error);
    } finally {
      page.post({ type: 'pictureEnded', transfer: message.transfer });
    }
  }

  async #kept({ transfer, name, width, height, bytes }: Announced, page: PicturePage): Promise<Picture> {
    if (this.#pieces.has(page)) throw new Error('The chat page sends two pictures at once.');
    const file = await this.#host.store.create();
    try {
      for (let offset = 0; offset < bytes;) {
        const data = await this.#piece(page, transfer, offset);
        if (data.length === 0 || data.length > bytes - offset) throw new Error('The chat page has sent another size.');
        await file.write(data);
        offset += data.length;
      }
      return await file.finish(oneLine(name), { width, height });
    } catch (error) {
      await file.discard();
      throw error;
    }
  }

  #piece(page: PicturePage, transfer: number, offset: number): Promise<Uint8Array> {
    return new Promise<Uint8Array>((resolve, reject) => {
      this.#pieces.set(page, { page, transfer, offset, resolve, reject });
      page.post({ type: 'pictureWanted', transfer, offset });
    }).finally(() => this.#pieces.delete(page));
  }

  async #decode(uri: string, signal: AbortSignal): Promise<Picture> {
    signal.throwIfAborted();
    const { name, data } = await this.#host.readFile(uri);
    const page = await this.#host.openPage(signal);
    const decode = ++this.#lastDecode;
    const decoded = new Promise<Picture>((resolve, reject) => {
      this.#decodings.set(decode, { page, data, resolve, reject });
      page.post({ type: 'decode', decode, name, bytes: data.length });
    });
    return abortable(decoded, signal).finally(() => this.#decodings.delete(decode));
  }

  #decodingOf(decode: number, page: PicturePage): Decoding | undefined {
    const decoding = this.#decodings.get(decode);
    return decoding?.page === page ? decoding : undefined;
  }
}
