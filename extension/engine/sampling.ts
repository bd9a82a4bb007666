/** The sampling of an answer. Pure. */
import type { ChatParams, ChatSampling } from '../../engine/wire/protocol.ts';
import type { Settings } from '../settings.ts';

/** What the user has set; null for the model's own default. */
export interface SamplingSettings {
  readonly temperature: number | null;
  readonly topP: number | null;
  readonly topK: number | null;
  readonly repetitionPenalty: number | null;
}

export function samplingSettings(settings: Settings): SamplingSettings {
  return {
    temperature: settings['chat.temperature'],
    topP: settings['chat.topP'],
    topK: settings['chat.topK'],
    repetitionPenalty: settings['chat.repetitionPenalty'],
  };
}

/** Where the user has set nothing, `defaults` count, and the model's own where they say nothing either. */
export function samplingOf(
  settings: SamplingSettings,
  seed: number,
  leastTemperature = 0,
  defaults: Omit<ChatSampling, 'seed'> = {},
): Required<Pick<ChatParams, 'sampling'>> {
  const set = Object.entries(settings).filter(([, value]) => value !== null);
  const changes = Object.fromEntries(set) as Partial<ChatSampling>;
  return { sampling: { ...defaults, ...changes, seed, ...(leastTemperature > 0 ? { leastTemperature } : {}) } };
}
