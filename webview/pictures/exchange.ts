/** Pictures between page and host: decodes what the user or the host gives, and sends it piece by piece. */
import type { FromPage, PictureToPage } from '../protocol.ts';
import { count, t } from '../texts.ts';
import { type DecodedPicture, decodePicture } from './decode.ts';

/** A message holds at most so many bytes. */
const PIECE_BYTES = 4_000_000;

export interface PictureExchangeHost {
  post(message: FromPage): void;
  /** Shows one sentence. */
  notice(text: string): void;
  /** Pictures are on their way, or no longer are. */
  preparing(preparing: boolean): void;
}

interface Wanted {
  readonly name: string;
  readonly bytes: number;
  readonly pieces: Uint8Array<ArrayBuffer>[];
  received: number;
}

export class PictureExchange {
  readonly #host: PictureExchangeHost;
  /** One picture after another, so that no two are in memory at once. */
  #queue: Promise<void> = Promise.resolve();
  /** Pictures in the queue. */
  #waiting = 0;
  #lastTransfer = 0;
  /** The picture that is being sent, until the host needs nothing more of it. */
  #sending: { transfer: number; png: Blob; ended(): void } | undefined;
  readonly #wanted = new Map<number, Wanted>();

  constructor(host: PictureExchangeHost) {
    this.#host = host;
  }

  /** Sends pictures that the user has given. What cannot be decoded is said in a notice. */
  give(files: readonly File[]): void {
    for (const file of files) {
      const name = file.name || t('Pasted picture');
      void this.#next(() => this.#send(file, name, undefined)).catch((error: Error) =>
        this.#host.notice(error.message),
      );
    }
  }

  /** Handles a message of the host. */
  handle(message: PictureToPage): void {
    switch (message.type) {
      case 'decode': {
        const { decode, name, bytes } = message;
        this.#wanted.set(decode, { name, bytes, pieces: [], received: 0 });
        return this.#want(decode);
      }
      case 'filePiece':
        return this.#pieceCame(message.decode, message.offset, message.data);
      case 'pictureWanted':
        return void this.#sendPiece(message.transfer, message.offset);
      case 'pictureEnded':
        if (this.#sending?.transfer === message.transfer) this.#sending.ended();
    }
  }

  #want(decode: number): void {
    const wanted = this.#wanted.get(decode)!;
    if (wanted.received < wanted.bytes) {
      return this.#host.post({ type: 'fileWanted', decode, offset: wanted.received });
    }
    this.#wanted.delete(decode);
    const file = new Blob(wanted.pieces);
    this.#next(() => this.#send(file, wanted.name, decode)).catch((error: Error) =>
      this.#host.post({ type: 'pictureFailed', decode, text: error.message }),
    );
  }

  #pieceCame(decode: number, offset: number, data: Uint8Array<ArrayBuffer>): void {
    const wanted = this.#wanted.get(decode);
    if (wanted?.received !== offset || data.length === 0) return;
    wanted.pieces.push(data);
    wanted.received += data.length;
    this.#want(decode);
  }

  /** Resolves once nothing is on its way. */
  async settled(): Promise<void> {
    while (this.#waiting > 0) await this.#queue;
  }

  #next(send: () => Promise<void>): Promise<void> {
    this.#waiting++;
    this.#host.preparing(true);
    const done = this.#queue.then(send).finally(() => {
      this.#waiting--;
      this.#host.preparing(this.#waiting > 0);
    });
    this.#queue = done.catch(() => {});
    return done;
  }

  /** Resolves once the host has taken or refused the picture. */
  async #send(file: Blob, name: string, decode: number | undefined): Promise<void> {
    const { png, width, height, reducedFrom } = await decodePicture(file, name);
    const transfer = ++this.#lastTransfer;
    const ended = new Promise<void>((resolve) => (this.#sending = { transfer, png, ended: resolve }));
    const of = decode === undefined ? {} : { decode };
    this.#host.post({
      type: 'picture',
      transfer,
      name: name.slice(-MOST_NAME_CHARS),
      width,
      height,
      bytes: png.size,
      ...of,
    });
    await ended;
    this.#sending = undefined;
    if (reducedFrom) this.#host.notice(reducedNotice(name, { width, height, reducedFrom }));
  }

  async #sendPiece(transfer: number, offset: number): Promise<void> {
    const png = this.#sending?.transfer === transfer ? this.#sending.png : undefined;
    if (!png) return;
    const data = new Uint8Array(await png.slice(offset, offset + PIECE_BYTES).arrayBuffer());
    this.#host.post({ type: 'picturePiece', transfer, offset, data });
  }
}

/** The host takes no longer names; an ending says more than a beginning. */
const MOST_NAME_CHARS = 300;

function reducedNotice(name: string, kept: Omit<DecodedPicture, 'png'>): string {
  const { width, height, reducedFrom } = kept;
  const sizes = [reducedFrom!.width, reducedFrom!.height, width, height].map(count);
  return t('{0} was reduced from {1} × {2} to {3} × {4} pixels.', name, ...sizes);
}
