/** The settings' shapes and defaults. Pure; config.ts reads them from VS Code, package.json declares them. */
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import * as z from 'zod';
import { isBundled, isSmallChatModel, STARTER } from './bundledModels.ts';
import { readAddress } from './remote/address.ts';

const isPath = (text: string): boolean => text === '' || isAbsolute(expandHome(text));
const path = z.string().refine(isPath, 'must be an absolute path');
const model = z.string().refine((text) => isBundled(text) || isPath(text), 'must be an absolute path');

const ADDRESS = 'must be an http or https address without user name, query and fragment';
const address = z.string().refine((text) => text === '' || readAddress(text) !== undefined, ADDRESS);

/** One row per setting: the key below `airgap.` and what it may hold. A test keeps this equal to package.json. */
export const SETTINGS = {
  enable: z.record(z.string(), z.boolean()).default({ '*': true }),
  'completion.model': model.default(''),
  'completion.delayMs': z.number().min(0).max(10_000).default(75),
  'completion.newLineDelayMs': z.number().min(0).max(10_000).default(300),
  'completion.notIn': z.array(z.enum(['comments', 'strings'])).default([]),
  'completion.otherFiles': z.boolean().nullable().default(null),
  'completion.maxTokens': z.int().min(1).max(1024).default(128),
  'completion.multiline': z.enum(['auto', 'always', 'never']).default('auto'),
  'completion.trigger': z.enum(['automatic', 'manual']).default('automatic'),
  'files.exclude': z
    .array(z.string())
    .default(['**/.env', '**/.env.*', '**/*.pem', '**/*.key', '**/id_rsa*', '**/.npmrc', '**/.netrc']),
  'chat.model': model.default(''),
  'chat.maxTokens': z.int().min(16).max(8192).default(1024),
  'chat.temperature': z.number().min(0).max(2).nullable().default(null),
  'chat.topP': z.number().min(0.01).max(1).nullable().default(null),
  'chat.topK': z.int().min(0).max(100_000).nullable().default(null),
  'chat.repetitionPenalty': z.number().min(0.5).max(2).nullable().default(null),
  'index.enable': z.boolean().default(true),
  'index.exclude': z.array(z.string()).default([]),
  'index.include': z.array(z.string()).default([]),
  'pictures.languages': z.array(z.string().regex(/^\w+$/, 'must be names such as eng')).min(1).default(['deu', 'eng']),
  'pictures.languageFolder': path.default(''),
  'engine.backend': z.enum(['auto', 'webgpu', 'wasm']).default('auto'),
  'engine.nodePath': path.default(''),
  'download.address': z.string().min(1).default('https://huggingface.co'),
  'store.folder': path.default(''),
  'store.sharedFolder': path.default(''),
  'engine.allowSoftwareGpu': z.boolean().default(false),
  'engine.unloadAfterMinutes': z.number().min(0).max(10_080).default(10),
  'engine.diskCacheGigabytes': z.number().min(0).max(1000).default(0),
  'remote.url': address.default(''),
  'remote.model': z.string().default(''),
  'remote.use': z.enum(['chat', 'chatAndCompletions', 'completions', 'nothing']).default('chat'),
} as const;

/**
 * Former names of settings. For one release, the former name is read where the new one is not set. `files.exclude` was
 * named after completions, although it governs the chat too. One model used to serve completions and chat.
 */
export const FORMER_NAMES: { readonly [K in keyof typeof SETTINGS]?: string } = {
  'files.exclude': 'completion.exclude',
  'completion.model': 'model.folder',
  'chat.model': 'model.folder',
};

export type SettingKey = keyof typeof SETTINGS;
/** As readSettings gives them: `completion.model` is never empty. */
export type Settings = { readonly [K in SettingKey]: z.output<(typeof SETTINGS)[K]> };

/**
 * Reads every setting. A setting that is not valid counts as its default, with a sentence in `problems`. `get` returns
 * the value of a key, `isSet` tells whether that value is the user's and no default. `defaultModel` names the model that
 * takes the place of none.
 */
export function readSettings(
  get: (key: string) => unknown,
  isSet: (key: string) => boolean = () => true,
  defaultModel: (settings: Settings) => string = () => STARTER,
): { settings: Settings; problems: string[] } {
  const problems: string[] = [];
  const entries = (Object.keys(SETTINGS) as SettingKey[]).map((key) => {
    const former = FORMER_NAMES[key];
    const name = former !== undefined && !isSet(key) && isSet(former) ? former : key;
    const parsed = SETTINGS[key].safeParse(get(name) ?? undefined);
    if (parsed.success) return [key, parsed.data];
    problems.push(`The setting airgap.${name} is ignored: ${parsed.error.issues[0]?.message ?? 'not valid'}.`);
    return [key, SETTINGS[key].parse(undefined)];
  });
  const settings = Object.fromEntries(entries) as Settings;
  const usual = defaultModel(settings);
  const completion = settings['completion.model'] || usual;
  // The starter cannot chat.
  const chat = settings['chat.model'] || (completion === STARTER && usual !== STARTER ? usual : '');
  return {
    settings: { ...settings, 'completion.model': completion, 'chat.model': chat },
    // One former name may stand for several settings.
    problems: [...new Set(problems)],
  };
}

/** The path of a purpose's model, or its name where it is bundled. A chat without a model uses the completions'. */
export function modelOf(settings: Settings, purpose: 'completion' | 'chat'): string {
  const { 'completion.model': completion, 'chat.model': chat } = settings;
  return expandHome((purpose === 'chat' && chat) || completion);
}

/** Whether completions see what other files declare: where nothing is set, with the model that it was measured to help. */
export function showsOtherFiles(settings: Settings): boolean {
  return settings['completion.otherFiles'] ?? isSmallChatModel(settings['completion.model']);
}

/** `{"*": true, "markdown": false}`: the language's own entry, else that of "*", else on. */
export function languageEnabled(enable: Settings['enable'], languageId: string): boolean {
  return enable[languageId] ?? enable['*'] ?? true;
}

/** False where no language at all is on: then there is no process. */
export function anyLanguageEnabled(enable: Settings['enable']): boolean {
  return (enable['*'] ?? true) || Object.values(enable).some(Boolean);
}

/** Turns one language, or '*' all, on or off; "all off" keeps no language on. */
export function withLanguage(enable: Settings['enable'], languageId: string, on: boolean): Settings['enable'] {
  if (languageId !== '*') return { ...enable, [languageId]: on };
  const kept = Object.entries(enable).filter(([, enabled]) => on || !enabled);
  return { ...Object.fromEntries(kept), '*': on };
}

export function expandHome(path: string): string {
  return path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path;
}
