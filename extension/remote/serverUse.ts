/** Which server answers in place of this machine, and for what: by the settings, by its key, and by what the user has confirmed. */
import { Emitter, type Event } from 'vscode-jsonrpc';
import type * as vscode from 'vscode';
import type { Config } from '../config.ts';
import type { Purpose } from '../engine/engine.ts';
import type { Translate } from '../common/translate.ts';
import type { Settings } from '../settings.ts';
import { readAddress } from './address.ts';
import type { ServedModel } from './client.ts';
import { type RemoteServer, serverName } from './server.ts';

export interface ServerUseHost {
  readonly config: Pick<Config, 'settings' | 'update' | 'onDidChange'>;
  readonly secrets: Pick<vscode.SecretStorage, 'get' | 'store' | 'delete' | 'onDidChange'>;
  /** Of the user, in all windows. */
  readonly memory: Pick<vscode.Memento, 'get' | 'update'>;
  readonly t: Translate;
  list(server: RemoteServer, signal: AbortSignal): Promise<ServedModel[]>;
}

/** Names in the secret storage: each key belongs to one address, and goes to no other. */
const KEY = 'airgap.remote.key ';
/** Name of the addresses to which the user lets text go that others on the way can read. */
const UNENCRYPTED = 'airgap.remote.unencrypted';

const SERVED: Record<Settings['remote.use'], readonly Purpose[]> = {
  chat: ['chat'],
  chatAndCompletions: ['completion', 'chat'],
  completions: ['completion'],
  nothing: [],
};

export class ServerUse implements vscode.Disposable {
  readonly #host: ServerUseHost;
  readonly #changed = new Emitter<void>();
  readonly #listeners: vscode.Disposable[];
  #paused = false;
  #version = 0;

  constructor(host: ServerUseHost) {
    this.#host = host;
    this.#listeners = [
      host.config.onDidChange(() => this.#changed.fire()),
      host.secrets.onDidChange(({ key }) => {
        if (!key.startsWith(KEY)) return;
        this.#version++;
        this.#changed.fire();
      }),
    ];
  }

  /** Fires also where settings of others have changed. */
  get onDidChange(): Event<void> {
    return this.#changed.event;
  }
  /** The server that the user has chosen, without its key; undefined if none. */
  get server(): RemoteServer | undefined {
    const { 'remote.url': text, 'remote.model': model } = this.#host.config.settings;
    const address = readAddress(text);
    return address && { url: address.url, model };
  }
  get use(): Settings['remote.use'] {
    return this.#host.config.settings['remote.use'];
  }
  /** Whether this window leaves the server alone for now. */
  get paused(): boolean {
    return this.#paused;
  }
  /** Counts the changes of keys, in whatever window. */
  get version(): number {
    return this.#version;
  }

  /** The server that answers for a purpose; undefined where this machine does. */
  for(purpose: Purpose): RemoteServer | undefined {
    return !this.#paused && SERVED[this.use].includes(purpose) ? this.server : undefined;
  }

  /** One sentence saying why nothing may go to a server; empty if it may. */
  problem({ url, model }: RemoteServer): string {
    const { t } = this.#host;
    const host = serverName({ url });
    if (!this.mayConnect(url)) {
      return t('{0} is reached by plain http, so others on the way could read your code. Confirm that first.', host);
    }
    return model === '' ? t('No model of {0} is chosen yet.', host) : '';
  }

  /** False for an address without encryption that the user has not confirmed. */
  mayConnect(url: string): boolean {
    return readAddress(url)?.isPrivate === true || this.#unencrypted.includes(url);
  }

  /** The user knows that text goes there which others on the way can read. */
  async confirmUnencrypted(url: string): Promise<void> {
    await this.#host.memory.update(UNENCRYPTED, [...new Set([...this.#unencrypted, url])]);
    this.#changed.fire();
  }

  async key(url: string): Promise<string | undefined> {
    return (await this.#host.secrets.get(KEY + url)) || undefined;
  }

  /** The models of a server, whether it is used or not. Rejects with RemoteFailure. */
  list(server: RemoteServer, signal: AbortSignal): Promise<ServedModel[]> {
    return this.#host.list(server, signal);
  }

  /** Keeps a server as the one to use. Without a key, one that was kept for this address is forgotten. */
  async choose({ url, model, key }: RemoteServer, use: Settings['remote.use']): Promise<void> {
    const { secrets, config } = this.#host;
    await (key === undefined ? secrets.delete(KEY + url) : secrets.store(KEY + url, key));
    await config.update('remote.model', model);
    await config.update('remote.use', use);
    await config.update('remote.url', url);
    this.pause(false);
  }

  async changeUse(use: Settings['remote.use']): Promise<void> {
    await this.#host.config.update('remote.use', use);
    this.pause(false);
  }

  /** Takes these purposes from the server, in all windows: the user has chosen models of this machine for them. */
  async useLocally(purposes: readonly Purpose[]): Promise<void> {
    const left = SERVED[this.use].filter((purpose) => !purposes.includes(purpose)).join();
    const use = (Object.keys(SERVED) as Settings['remote.use'][]).find((each) => SERVED[each].join() === left)!;
    if (this.server && use !== this.use) await this.#host.config.update('remote.use', use);
  }

  /** Everything runs on this machine again, in all windows; the key is forgotten. */
  async stop(): Promise<void> {
    const { secrets, config } = this.#host;
    const { server } = this;
    await config.update('remote.url', '');
    await config.update('remote.model', '');
    if (server) await secrets.delete(KEY + server.url);
  }

  /** Lets this machine answer in this window, until it is undone or the window is reloaded. */
  pause(paused: boolean): void {
    this.#paused = paused;
    this.#changed.fire();
  }

  dispose(): void {
    for (const listener of this.#listeners) listener.dispose();
    this.#changed.dispose();
  }

  get #unencrypted(): readonly string[] {
    return this.#host.memory.get<string[]>(UNENCRYPTED, []);
  }
}
