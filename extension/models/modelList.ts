/**
 * The models that the view and the picker show. The bundled one, those of the stores, and those that settings name are
 * listed without asking; what other programs keep on this disk is looked for only in `search`, which a click calls.
 */
import * as vscode from 'vscode';
import type { ListedModel } from '../../engine/wire/models.ts';
import { isBundled } from '../bundledModels.ts';
import { errorMessage } from '../common/errorMessage.ts';
import { modelOf, type Settings } from '../settings.ts';
import type { Program } from './program.ts';

export interface ModelListHost {
  readonly program: Pick<Program, 'models'>;
  settings(): Settings;
  log(message: string): void;
}

const OWN: readonly ListedModel['place'][] = ['bundled', 'store', 'sharedStore', 'named'];

export class ModelList implements vscode.Disposable {
  readonly #host: ModelListHost;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #ended = new AbortController();
  #own: readonly ListedModel[] | undefined;
  #elsewhere: readonly ListedModel[] | undefined;
  #problem: string | undefined;
  #refreshing: Promise<void> | undefined;
  #again = false;

  constructor(host: ModelListHost) {
    this.#host = host;
  }

  get onDidChange(): vscode.Event<void> {
    return this.#changed.event;
  }
  /** undefined until they have been listed once. */
  get own(): readonly ListedModel[] | undefined {
    // The store, or the program that keeps a model, has a better name for it than its path.
    const kept = [...(this.#own ?? []).filter(({ place }) => place !== 'named'), ...(this.#elsewhere ?? [])];
    const paths = new Set(kept.map(({ path }) => path));
    return this.#own?.filter(({ place, path }) => place !== 'named' || !paths.has(path));
  }
  /** What other programs keep on this disk; undefined until the user has asked for it. */
  get elsewhere(): readonly ListedModel[] | undefined {
    const known = new Set(this.own?.map(({ path }) => path));
    return this.#elsewhere?.filter(({ path }) => !known.has(path));
  }
  /** Why the last listing failed. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Lists again what needs no search. Failures show in `problem`. Calls in the meantime are one more listing. */
  refresh(): Promise<void> {
    this.#again = true;
    this.#refreshing ??= this.#refreshWhileAsked().finally(() => (this.#refreshing = undefined));
    return this.#refreshing;
  }

  /** Lists everything, also what other programs keep. Rejects with one sentence, or with the signal's reason. */
  async search(signal: AbortSignal): Promise<void> {
    const models = await this.#host.program.models(['models', '--all', ...this.#named()], signal);
    this.#elsewhere = models.filter(({ place }) => !OWN.includes(place));
    this.#take(models);
  }

  dispose(): void {
    this.#ended.abort();
    this.#changed.dispose();
  }

  async #refreshWhileAsked(): Promise<void> {
    while (this.#again) {
      this.#again = false;
      try {
        const own = await this.#host.program.models(['models', ...this.#named()], this.#ended.signal);
        this.#take(own);
      } catch (error) {
        if (this.#ended.signal.aborted) return;
        this.#problem = errorMessage(error);
        this.#host.log(this.#problem);
        this.#changed.fire();
      }
    }
  }

  #take(models: readonly ListedModel[]): void {
    this.#problem = undefined;
    this.#own = models.filter(({ place }) => OWN.includes(place));
    this.#changed.fire();
  }

  /** The paths of the models that the settings name; bundled ones are listed anyway. */
  #named(): string[] {
    const settings = this.#host.settings();
    return [...new Set([modelOf(settings, 'completion'), modelOf(settings, 'chat')])].filter(
      (path) => !isBundled(path),
    );
  }
}
