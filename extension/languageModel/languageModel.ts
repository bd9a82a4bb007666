/** Provides the chat's model to VS Code's own chat and to other extensions: no account. */
import { randomInt } from 'node:crypto';
import * as vscode from 'vscode';
import { textOf } from '../../engine/wire/chatTurns.ts';
import type { ChatTurn } from '../../engine/wire/protocol.ts';
import { abortControllerFor } from '../common/abortSignal.ts';
import type { ChatModel, ModelStatus } from '../engine/engine.ts';
import { STARTER } from '../bundledModels.ts';
import { modelOf, type Settings } from '../settings.ts';
import { samplingOf, samplingSettings } from '../engine/sampling.ts';
import { type RemoteServer, serverName } from '../remote/server.ts';
import { pngSize } from '../pictures/pngHeader.ts';
import { type ModelMessage, toTurns } from './modelMessages.ts';
import { isDataPart, TemporaryImages } from './temporaryImages.ts';

/** Context window assumed for a model that is not yet loaded: that of phi-3-mini-4k, the smallest of the family. */
const USUAL_WINDOW = { contextLength: 4096, longestAnswer: 2048 };
/** VS Code's own chat also sends the system role, which the stable API does not name. */
const ROLES = new Map<number, ModelMessage['role']>([
  [1, 'user'],
  [2, 'assistant'],
  [3, 'system'],
]);

export interface LanguageModelHost {
  readonly model: ChatModel & ModelStatus;
  settings(): Settings;
  /** The server that answers in place of this machine. */
  server(): RemoteServer | undefined;
}

/** Registers the model if VS Code has the API for it. */
export function registerLanguageModel(host: LanguageModelHost): vscode.Disposable {
  // Editors built on an older VS Code may lack this API.
  const lm = vscode.lm as Partial<typeof vscode.lm> | undefined;
  if (!lm?.registerLanguageModelChatProvider) return new vscode.Disposable(() => {});
  const provider = new LocalModel(host);
  return vscode.Disposable.from(provider, lm.registerLanguageModelChatProvider('airgap', provider));
}

export class LocalModel implements vscode.LanguageModelChatProvider, vscode.Disposable {
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #listener: { dispose(): void };
  #described = '';
  /** Sessions that are answering; another request of the same conversation must not cancel them. */
  readonly #busy = new Set<string>();

  readonly #host: LanguageModelHost;

  constructor(host: LanguageModelHost) {
    this.#host = host;
    this.#listener = host.model.onDidChangeState(() => {
      // Loading goes through many states, few of which change this information.
      const described = JSON.stringify(this.#information());
      if (described !== this.#described) this.#changed.fire();
      this.#described = described;
    });
  }

  get onDidChangeLanguageModelChatInformation(): vscode.Event<void> {
    return this.#changed.event;
  }

  provideLanguageModelChatInformation(): vscode.LanguageModelChatInformation[] {
    return [this.#information()];
  }

  /** Rejects with a one-sentence error. */
  async provideLanguageModelChatResponse(
    _model: vscode.LanguageModelChatInformation,
    messages: readonly vscode.LanguageModelChatRequestMessage[],
    _options: vscode.ProvideLanguageModelChatResponseOptions,
    progress: vscode.Progress<vscode.LanguageModelResponsePart>,
    token: vscode.CancellationToken,
  ): Promise<void> {
    const images = new TemporaryImages(vscode.l10n.t);
    try {
      const read = await Promise.all(messages.map((message) => messageOf(message, images)));
      await this.#answer(toTurns(read, vscode.l10n.t), progress, abortControllerFor(token).signal);
    } finally {
      await images.remove();
    }
  }

  async #answer(
    turns: ChatTurn[],
    progress: vscode.Progress<vscode.LanguageModelResponsePart>,
    signal: AbortSignal,
  ): Promise<void> {
    const { model, settings } = this.#host;
    const { 'chat.maxTokens': maxTokens } = settings();
    const sessionId = this.#session(turns);
    try {
      const sampling = samplingOf(samplingSettings(settings()), randomInt(2 ** 31));
      const say = (text: string): void => progress.report(new vscode.LanguageModelTextPart(text));
      const { stop } = await model.chat({ sessionId, messages: turns, maxTokens, ...sampling }, signal, (part) => {
        if (part.type === 'text') say(part.text);
      });
      // The API knows no reason of an end, so the text has to say it.
      if (stop === 'repetition') say(`\n\n(${vscode.l10n.t('The answer repeated itself and was stopped.')})`);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.#busy.delete(sessionId);
    }
  }

  async provideTokenCount(
    _model: vscode.LanguageModelChatInformation,
    text: string | vscode.LanguageModelChatRequestMessage,
    token: vscode.CancellationToken,
  ): Promise<number> {
    const { model } = this.#host;
    const { signal } = abortControllerFor(token);
    const parts = typeof text === 'string' ? [new vscode.LanguageModelTextPart(text)] : [...text.content];
    const texts = parts.flatMap((part) => (part instanceof vscode.LanguageModelTextPart ? part.value : []));
    const counts = await model.countTokens(texts, signal);
    const sizes = parts.flatMap((part) => (isDataPart(part) && pngSize(part.data)) || []);
    const costs = await Promise.all(sizes.map((size) => model.imageCosts(size, signal)));
    return [...counts, ...costs.map(([most]) => most?.tokens ?? 0)].reduce((sum, count) => sum + count, 0);
  }

  dispose(): void {
    this.#listener.dispose();
    this.#changed.dispose();
  }

  #information(): vscode.LanguageModelChatInformation {
    const { state } = this.#host.model;
    const settings = this.#host.settings();
    const server = this.#host.server();
    const path = server?.model ?? modelOf(settings, 'chat');
    const { contextLength, longestAnswer } = state.kind === 'ready' ? state.model : USUAL_WINDOW;
    const maxOutputTokens = Math.min(settings['chat.maxTokens'], longestAnswer);
    const isStarter = !server && path === STARTER;
    const name = state.kind === 'ready' ? state.model.name : modelName(path);
    return {
      id: 'local',
      name: isStarter ? vscode.l10n.t('Airgap starter model') : (name ?? 'Airgap'),
      family: isStarter ? 'airgap-starter' : 'local',
      version: '1',
      tooltip: server
        ? vscode.l10n.t('Runs on {0}. Requests go there.', serverName(server))
        : vscode.l10n.t('Runs on this machine. Nothing leaves it.'),
      maxInputTokens: contextLength - maxOutputTokens,
      maxOutputTokens,
      capabilities: { imageInput: state.kind === 'ready' && state.model.images !== null, toolCalling: false },
    };
  }

  /** The name contains the first question, so that the next turn of the same conversation finds the cached prefix. */
  #session(turns: readonly ChatTurn[]): string {
    const question = turns.find(({ role }) => role === 'user');
    const first = question ? textOf(question) : '';
    const name = `language-model-${first.length}-${first.slice(0, 100)}`;
    let id = name;
    for (let i = 2; this.#busy.has(id); i++) id = `${name}-${i}`;
    this.#busy.add(id);
    return id;
  }
}

/** The name of a model that has not been loaded yet: that of its folder or file, or a bundled model's. */
function modelName(path: string): string | undefined {
  return path
    .split(/[\\/:]/)
    .filter(Boolean)
    .at(-1)
    ?.replace(/\.gguf$/i, '');
}

async function messageOf(
  { role, content }: vscode.LanguageModelChatRequestMessage,
  images: TemporaryImages,
): Promise<ModelMessage> {
  const parts = content.map(async (part) => {
    if (part instanceof vscode.LanguageModelTextPart) return part.value;
    return isDataPart(part) ? images.add(part) : undefined;
  });
  return { role: ROLES.get(role) ?? 'user', parts: await Promise.all(parts) };
}
