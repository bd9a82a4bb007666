/** What a window keeps about a server: settings, secrets, and what the user has confirmed. */
import { listModels } from '../../../extension/remote/client.ts';
import { ServerUse } from '../../../extension/remote/serverUse.ts';
import { readSettings, type Settings } from '../../../extension/settings.ts';
import { EventEmitter, l10n } from './vscodeStub.ts';

export class FakeServerUse {
  /** Settings by their keys. */
  readonly stored: Record<string, unknown> = {};
  readonly secrets = new Map<string, string>();
  readonly memory = new Map<string, unknown>();
  readonly logged: string[] = [];
  readonly #changed = new EventEmitter<void>();
  readonly #secretChanged = new EventEmitter<{ key: string }>();
  readonly use: ServerUse;

  constructor(stored: Record<string, unknown> = {}) {
    Object.assign(this.stored, stored);
    this.use = this.window();
  }

  /** What another window of the same user has. */
  window(): ServerUse {
    const settings = (): Settings => readSettings((key) => this.stored[key]).settings;
    return new ServerUse({
      config: {
        get settings() {
          return settings();
        },
        update: async (key, value) => this.set({ [key]: value }),
        onDidChange: this.#changed.event,
      },
      secrets: {
        get: async (name) => this.secrets.get(name),
        store: async (key, value) => {
          this.secrets.set(key, value);
          this.#secretChanged.fire({ key });
        },
        delete: async (key) => {
          if (this.secrets.delete(key)) this.#secretChanged.fire({ key });
        },
        onDidChange: this.#secretChanged.event as never,
      },
      memory: {
        get: ((key: string, otherwise: unknown) => this.memory.get(key) ?? otherwise) as never,
        update: async (key, value) => void this.memory.set(key, value),
      },
      t: l10n.t,
      list: (server, signal) => listModels(server, { t: l10n.t, log: (line) => void this.logged.push(line) }, signal),
    });
  }

  /** Changes settings as the user would. */
  set(settings: Record<string, unknown>): void {
    Object.assign(this.stored, settings);
    this.#changed.fire();
  }
}
