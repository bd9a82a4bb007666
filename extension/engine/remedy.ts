/** Finds out what the user can do about a failure. */
import { EngineFailure } from '../../engine/wire/failure.ts';
import type { Remedy } from './engine.ts';

/** An error that is no EngineFailure means that the engine could not be started: its settings are the place to look. */
export function remedyFor(error: unknown): Remedy {
  if (!(error instanceof EngineFailure)) return 'settings';
  switch (error.kind) {
    case 'badModel':
    case 'outOfMemory':
      return 'chooseModel';
    case 'badRequest':
      return 'settings';
    default:
      return 'restart';
  }
}
