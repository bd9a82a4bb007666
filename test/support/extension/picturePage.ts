/** A page that decodes: every file becomes the PNG file that the test names for it. */
import type { PictureToPage, ToPage } from '../../../webview/protocol.ts';
import { plainPng } from '../pictureFiles.ts';
import { type FakeChat, FakePage } from './fakeChat.ts';

export class PicturePage extends FakePage {
  /** Files that it was told to decode. */
  readonly decoded: string[] = [];
  /** Sizes of pictures by the names of their files; 3 x 2 for others. The first colour value is the width, so each differs. */
  readonly sizes: Record<string, [width: number, height: number]> = {};
  /** Does not answer any more. */
  silent = false;
  readonly #chat: FakeChat;
  #png: Buffer = Buffer.alloc(0);
  #bytes = 0;
  #name = '';
  #lastTransfer = 0;

  constructor(chat: FakeChat) {
    super();
    this.#chat = chat;
  }

  override post(message: ToPage): void {
    super.post(message);
    if (!this.silent) this.#answer(message as PictureToPage);
  }

  /** The user gives a picture to the page. */
  give(name: string, decode?: number): Promise<void> {
    const [width, height] = this.sizes[name] ?? [3, 2];
    this.#png = plainPng(width, height, [width, 0, 0]);
    const of = decode === undefined ? {} : { decode };
    return this.say({
      type: 'picture',
      transfer: ++this.#lastTransfer,
      ...{ name, width, height, bytes: this.#png.length },
      ...of,
    });
  }

  say(message: Parameters<FakeChat['say']>[0]): Promise<void> {
    return this.#chat.say(message, this);
  }

  #answer(message: PictureToPage): void {
    switch (message.type) {
      case 'pictureEnded':
        return;
      case 'decode':
        [this.#name, this.#bytes] = [message.name, message.bytes];
        this.decoded.push(message.name);
        return void this.say({ type: 'fileWanted', decode: message.decode, offset: 0 });
      case 'filePiece': {
        const { decode, offset, data } = message;
        if (data[0] === 0) return void this.say({ type: 'pictureFailed', decode, text: `${this.#name} is damaged.` });
        const next = offset + data.length;
        if (next < this.#bytes) return void this.say({ type: 'fileWanted', decode, offset: next });
        return void this.give(this.#name, decode);
      }
      case 'pictureWanted': {
        const { transfer, offset } = message;
        const data = new Uint8Array(this.#png.subarray(offset, offset + 40));
        return void this.say({ type: 'picturePiece', transfer, offset, data });
      }
    }
  }
}
