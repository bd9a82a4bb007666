/** The sampling of an answer. Pure. */
import type { ChatParams } from '../../engine/wire/protocol.ts';

const TOP_P = 0.95;

/** Temperature 0 means no sampling: always the most likely token. */
export function samplingOf(temperature: number, seed: () => number): Pick<ChatParams, 'sampling'> {
  return temperature > 0 ? { sampling: { temperature, topP: TOP_P, seed: seed() } } : {};
}
