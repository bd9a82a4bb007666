import type { Failure } from './protocol.ts';

/** The error with which a failed call rejects. `message` is one sentence for the user. */
export class EngineFailure extends Error {
  override name = 'EngineFailure';
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
  get kind(): Failure['kind'] {
    return this.failure.kind;
  }
}
