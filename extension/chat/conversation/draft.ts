/** The attachments of the question being written, and how much of the context window they take. Pure. */
import type { Chip, ContextUse } from '../../../webview/protocol.ts';
import type { ChatModel } from '../../engine/engine.ts';
import { compose, type ComposeHost, type ComposeRequest, costOf, uncounted } from '../answer/compose.ts';
import { withImages } from '../answer/prompt.ts';
import type { PictureStore } from '../../pictures/pictureStore.ts';
import { picturesOf } from './contents.ts';
import type { Attachment } from '../context/attachment.ts';

/** Delay after the last change, so that moving through files reads none of them. */
const PAUSE_MS = 300;
const EMPTY_CONTEXT: ContextUse = { used: 0, limit: 0, note: '' };

export interface DraftHost extends ComposeHost {
  readonly model: ChatModel;
  readonly pictureStore: Pick<PictureStore, 'hold' | 'release'>;
  /** Context of the next question; undefined while no model is loaded, since counting must not load one. */
  situation(): (Pick<ComposeRequest, 'turns' | 'known'> & { maxTokens: number }) | undefined;
  /** Shows the chips. */
  show(chips: Chip[], contextUse: ContextUse): void;
  /** Counting failed; the chips stay without numbers. */
  failed(error: unknown): void;
  readonly pauseMs?: number;
}

interface Item {
  readonly id: string;
  readonly attachment: Attachment;
  /** Follows the active editor. */
  readonly automatic: boolean;
}

export class Draft {
  #items: Item[] = [];
  #chips: Chip[] = [];
  #contextUse = EMPTY_CONTEXT;
  /** Automatic attachments that the user has removed: instructions by their file, and all that the editor shows. */
  readonly #declined = new Set<string>();
  #lastId = 0;
  #adding: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #counting: AbortController | undefined;

  readonly #host: DraftHost;

  constructor(host: DraftHost) {
    this.#host = host;
  }

  get chips(): Chip[] {
    return this.#chips;
  }
  get contextUse(): ContextUse {
    return this.#contextUse;
  }
  get attachments(): Attachment[] {
    return this.#items.map(({ attachment, automatic }) =>
      automatic && attachment.kind === 'file' ? { ...attachment, automatic } : attachment,
    );
  }

  /** Sets what is attached by itself now. */
  follow(automatic: readonly Attachment[]): void {
    const others = this.#items.filter(({ automatic }) => !automatic);
    const wanted = this.#wanted(automatic).filter((attachment) => !has(others, attachment));
    const shown = this.#items.filter(({ automatic }) => automatic);
    if (wanted.length === shown.length && wanted.every((each, at) => same(each, shown[at]!.attachment))) return;
    const items = wanted.map(
      (each) => shown.find(({ attachment }) => same(attachment, each)) ?? this.#item(each, true),
    );
    this.#set([...items, ...others]);
  }

  add(attachments: readonly Attachment[]): void {
    let items = this.#items;
    for (const attachment of attachments) {
      // An attachment that the user chose stays when the editor changes.
      items = items.filter((item) => !item.automatic || !same(item.attachment, attachment));
      if (!has(items, attachment)) items = [...items, this.#item(attachment, false)];
    }
    this.#set(items);
  }

  /** Adds what is still to be decoded; the next question waits for it. */
  addLater(adding: Promise<void>): Promise<void> {
    this.#adding = Promise.allSettled([this.#adding, adding]);
    return adding;
  }

  /** Resolves once everything has been added. */
  async complete(): Promise<void> {
    await this.#adding;
  }

  remove(chipId: string): void {
    const removed = this.#items.find(({ id, automatic }) => id === chipId && automatic);
    if (removed) this.#declined.add(declinedBy(removed.attachment));
    this.#set(this.#items.filter(({ id }) => id !== chipId));
  }

  /** In how many crops the model may see the picture of a chip. */
  limitCrops(chipId: string, mostCrops: number): void {
    const picture = this.#chips.find(({ id }) => id === chipId)?.picture;
    if (!picture?.costs.some((cost) => cost.mostCrops === mostCrops)) return;
    const chips = this.#chips.map((chip) =>
      chip.id === chipId ? { ...chip, ...costOf({ ...picture, mostCrops }, picture.costs) } : chip,
    );
    this.#items = this.#items.map((item) =>
      item.id === chipId && item.attachment.kind === 'picture'
        ? { ...item, attachment: { ...item.attachment, mostCrops } }
        : item,
    );
    this.#show(chips, this.#contextUse);
    this.refresh();
  }

  /** Starts the next question with only the automatic attachments that the user has not removed. */
  next(automatic: readonly Attachment[]): void {
    this.#set(this.#wanted(automatic).map((attachment) => this.#item(attachment, true)));
  }

  /** Like `next`, for another conversation. */
  restart(automatic: readonly Attachment[]): void {
    this.#declined.clear();
    this.next(automatic);
  }

  /**
   * Called when files, settings or the conversation change. Shows the chips at once, and their token counts once known.
   */
  refresh(): void {
    this.#stop();
    const counted = new Map(this.#chips.map((chip) => [chip.id, chip]));
    const plain = uncounted(this.#host.reader, this.#items);
    this.#show(
      plain.map((chip) => counted.get(chip.id) ?? chip),
      this.#host.situation() ? this.#contextUse : EMPTY_CONTEXT,
    );
    const counting = (this.#counting = new AbortController());
    this.#timer = setTimeout(() => {
      this.#count(counting.signal).catch((error: unknown) => {
        if (!counting.signal.aborted) this.#host.failed(error);
      });
    }, this.#host.pauseMs ?? PAUSE_MS);
  }

  dispose(): void {
    this.#set([]);
    this.#stop();
  }

  /** The draft holds its pictures. */
  #set(items: Item[]): void {
    const hashes = (those: readonly Item[]): string[] =>
      picturesOf(those.map(({ attachment }) => attachment)).map(({ hash }) => hash);
    const [before, after] = [hashes(this.#items), hashes(items)];
    this.#items = items;
    for (const hash of after) if (!before.includes(hash)) this.#host.pictureStore.hold(hash);
    for (const hash of before) if (!after.includes(hash)) this.#release(hash);
    this.refresh();
  }

  #release(hash: string): void {
    this.#host.pictureStore.release(hash).catch((error: unknown) => this.#host.failed(error));
  }

  async #count(signal: AbortSignal): Promise<void> {
    const situation = this.#host.situation();
    if (!situation) return;
    // The results of @project depend on the question, which is not yet complete.
    const items = this.#items.filter(({ attachment }) => attachment.kind !== 'project');
    const { turns, known, maxTokens } = situation;
    const composed = await compose(this.#host, { turns, known, items, question: '' }, signal);
    const messages = [...turns, withImages(composed.images, '')];
    const fit = await this.#host.model.fit({ messages, sources: composed.sources, maxTokens }, signal);
    const { chips, contextUse } = composed.describe(fit);
    if (signal.aborted) return;
    const counted = new Map(chips.map((chip) => [chip.id, chip]));
    this.#show(
      this.#chips.map((chip) => counted.get(chip.id) ?? chip),
      contextUse,
    );
  }

  #show(chips: Chip[], contextUse: ContextUse): void {
    const isNew = JSON.stringify([chips, contextUse]) !== JSON.stringify([this.#chips, this.#contextUse]);
    this.#chips = chips;
    this.#contextUse = contextUse;
    if (isNew) this.#host.show(chips, contextUse);
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#counting?.abort();
  }

  #wanted(automatic: readonly Attachment[]): Attachment[] {
    return automatic.filter((attachment) => !this.#declined.has(declinedBy(attachment)));
  }

  #item(attachment: Attachment, automatic: boolean): Item {
    return { id: `chip-${++this.#lastId}`, attachment, automatic };
  }
}

function declinedBy(attachment: Attachment): string {
  return attachment.kind === 'instructions' ? attachment.uri : 'editor';
}

function has(items: readonly Item[], attachment: Attachment): boolean {
  return items.some((item) => same(item.attachment, attachment));
}

function same(a: Attachment | undefined, b: Attachment | undefined): boolean {
  if (a?.kind === 'picture' && b?.kind === 'picture') return a.hash === b.hash;
  const plain = (attachment: Attachment | undefined): string => JSON.stringify(Object.entries(attachment ?? {}).sort());
  return plain(a) === plain(b);
}
