import type { Failure } from './protocol.ts';

/** The error with which a failed call rejects. `message` is one sentence for the user. */
export class EngineFailure extends Error {
  override name = 'EngineFailure';
  constructor(readonly failure: Failure) {
    super(failure.message);
  }
  get kind(): Failure['kind'] {
    return this.failure.kind;
  }
}
