/**
 * The window's conversations: those of the store, and changes that are not yet on disk. Changes are written one after
 * another; failed writes are retried with the next change. Pure.
 */
import type { Conversation } from './conversation.ts';
import type { ConversationStore } from './conversationStore.ts';

export class PendingWrites {
  /** The newest state of each conversation that is not yet on disk. */
  readonly #waiting = new Map<string, Conversation>();
  #writing: Promise<void> | undefined;
  #failing = false;

  /** `failed` is called once, and again only after a write has succeeded in between. */
  readonly #store: ConversationStore;
  readonly #failed: (error: unknown) => void;

  constructor(store: ConversationStore, failed: (error: unknown) => void) {
    this.#store = store;
    this.#failed = failed;
  }

  save(conversation: Conversation): void {
    this.#waiting.set(conversation.id, conversation);
    this.#writing ??= this.#writeAll();
  }

  /** Whether the conversation's newest state in this window is on disk. */
  isSaved(id: string): boolean {
    return !this.#waiting.has(id);
  }

  async read(id: string): Promise<Conversation | undefined> {
    return this.#waiting.get(id) ?? (await this.#store.read(id));
  }

  async all(): Promise<Conversation[]> {
    const stored = await this.#store.all();
    return [...stored.filter(({ id }) => !this.#waiting.has(id)), ...this.#waiting.values()];
  }

  /** Deletes permanently. Rejects if the file cannot be deleted. */
  async remove(id: string): Promise<void> {
    this.#waiting.delete(id);
    await this.#writing;
    await this.#store.remove(id);
  }

  /** Waits for pending writes. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  async #writeAll(): Promise<void> {
    try {
      for (let next = this.#next(); next; next = this.#next()) {
        await this.#store.write(next);
        this.#failing = false;
        if (this.#waiting.get(next.id) === next) this.#waiting.delete(next.id);
      }
    } catch (error) {
      if (!this.#failing) this.#failed(error);
      this.#failing = true;
    } finally {
      this.#writing = undefined;
    }
  }

  #next(): Conversation | undefined {
    return this.#waiting.values().next().value;
  }
}
