import type { ChatPart } from '../wire/protocol.ts';

const UNITS = { images: 'crops of the pictures seen', prompt: 'tokens of the prompt computed' } as const;

/** One line at the bottom of a terminal that says what comes before an answer; nothing if `stream` is none. */
export class ProgressLine {
  #isShown = false;
  readonly #stream: NodeJS.WriteStream;

  constructor(stream: NodeJS.WriteStream = process.stderr) {
    this.#stream = stream;
  }

  show({ step, done, total }: Extract<ChatPart, { type: 'progress' }>): void {
    if (!this.#stream.isTTY) return;
    this.end();
    this.#stream.write(`${done} of ${total} ${UNITS[step]}`);
    this.#isShown = true;
  }

  end(): void {
    if (this.#isShown) this.#stream.write('\r\x1b[K');
    this.#isShown = false;
  }
}
