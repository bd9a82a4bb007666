/** Failures that the user can do something about. The message is one sentence that says what is wrong, and where. */

/** The model folder is not what it should be: a file is missing, broken, or not supported. */
export class BadModel extends Error {
  override name = 'BadModel';
}

/** A request that this model cannot serve: too long, an id outside of the vocabulary, a setting out of range. */
export class BadRequest extends Error {
  override name = 'BadRequest';
}

/** A question that does not fit the model's window. */
export class PromptTooLong extends BadRequest {
  override name = 'PromptTooLong';
}

/** A model could not be downloaded. */
export class DownloadFailed extends Error {
  override name = 'DownloadFailed';
}

/** The caller gave up. */
export class Cancelled extends Error {
  override name = 'Cancelled';
  constructor() {
    super('The request was cancelled.');
  }
}

/** Throws Cancelled when `signal` has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new Cancelled();
}

/** The sentence of whatever was thrown. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
