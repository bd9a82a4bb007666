/** What the picker and the view say about a model. */
import * as vscode from 'vscode';
import type { ListedModel } from '../../engine/wire/models.ts';
import type { Purpose } from '../engine/engine.ts';
import { numberText, sizeText } from './figures.ts';

/** How a model is used now. */
export interface ModelUse {
  readonly purposes: readonly Purpose[];
  /** Where it computes, where it is loaded: "wasm (SIMD, 2 threads)". */
  readonly backend: string | undefined;
}

/** The program that keeps a model, or what it is to Airgap. */
export function placeText(place: ListedModel['place']): string {
  const { t } = vscode.l10n;
  switch (place) {
    case 'bundled':
      return t('Bundled');
    case 'store':
      return t('Store');
    case 'sharedStore':
      return t('Shared store');
    case 'named':
      return t('Named by a setting');
    default:
      return PROGRAMS[place];
  }
}

const PROGRAMS = {
  ollama: 'Ollama',
  lmStudio: 'LM Studio',
  huggingFace: 'Hugging Face',
  gpt4all: 'GPT4All',
  jan: 'Jan',
  llamaCpp: 'llama.cpp',
} as const;

/** "GGUF Q4_K · 2.4 GB" */
export function kindText({ kind, bytes }: ListedModel): string {
  return `${kind} · ${sizeText(bytes)}`;
}

/** The sentence that says why a model cannot be used; undefined where it can. */
export function refusal(model: ListedModel, purpose: Purpose | 'both'): string | undefined {
  const { t } = vscode.l10n;
  if (model.problem !== null) return model.problem;
  if (purpose === 'chat' && model.place === 'bundled' && !model.chat)
    return t('It is too small to hold a conversation.');
  if (purpose === 'chat' && !model.chat) return t('It has no chat template, so it cannot answer questions.');
  return undefined;
}

/** What decides between models: "3.4 GB of memory at 4,096 tokens · about 12 tokens/s · MIT". */
export function costText(model: ListedModel): string {
  const { t } = vscode.l10n;
  const { memoryBytes, contextLength, tokensPerSecond, licence, chat } = model;
  const memory =
    memoryBytes === null
      ? []
      : contextLength === null
        ? [t('{0} of memory', sizeText(memoryBytes))]
        : [t('{0} of memory at {1} tokens', sizeText(memoryBytes), numberText(contextLength))];
  const speed = tokensPerSecond === null ? [] : [t('about {0} tokens/s', numberText(Math.max(1, tokensPerSecond)))];
  return [...memory, ...speed, ...(licence === null ? [] : [licence]), ...(chat ? [] : [t('no chat')])].join(' · ');
}

/** Every fact about a model, by its name; empty ones are left out. */
export function facts(model: ListedModel, { purposes, backend }: ModelUse): [name: string, value: string][] {
  const { t } = vscode.l10n;
  const { contextLength, memoryBytes, tokensPerSecond, licence } = model;
  const rows: [string, string | undefined][] = [
    [t('Problem'), model.problem ?? undefined],
    [t('Used for'), purposes.length === 0 ? undefined : purposesText(purposes)],
    [t('Place'), placeText(model.place)],
    [t('Kind'), model.kind],
    [t('Context'), contextLength === null ? undefined : t('{0} tokens', numberText(contextLength))],
    [t('Size'), sizeText(model.bytes)],
    [t('Memory'), memoryBytes === null ? undefined : sizeText(memoryBytes)],
    [
      t('Speed'),
      tokensPerSecond === null ? undefined : t('about {0} tokens/s', numberText(Math.max(1, tokensPerSecond))),
    ],
    [t('Backend'), backend ?? t('not loaded')],
    [t('Chat'), model.chat ? t('yes') : model.place === 'bundled' ? t('no') : t('no chat template')],
    [t('Hash'), hashText(model.hash)],
    [t('Licence'), licence ?? t('not known')],
    [t('Path'), model.path],
  ];
  return rows.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as [string, string]]));
}

export function purposesText(purposes: readonly Purpose[]): string {
  const { t } = vscode.l10n;
  if (purposes.length === 2) return t('completions and chat');
  return purposes[0] === 'chat' ? t('chat') : t('completions');
}

function hashText(hash: ListedModel['hash']): string {
  const { t } = vscode.l10n;
  switch (hash) {
    case 'verified':
      return t('verified against the catalogue');
    case 'stated':
      return t('as the hub states it');
    case 'changed':
      return t('changed since it was stored');
    case 'unchecked':
      return t('not checked');
  }
}
