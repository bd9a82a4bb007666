/** VS Code's cancellation tokens as abort signals. Pure. */

/** The part of `vscode.CancellationToken` that is needed here. */
interface CancellationToken {
  readonly isCancellationRequested: boolean;
  onCancellationRequested(listener: () => void): unknown;
}

/** Returns a controller whose signal aborts when the token is cancelled. */
export function abortControllerFor(token: CancellationToken): AbortController {
  const controller = new AbortController();
  if (token.isCancellationRequested) controller.abort();
  token.onCancellationRequested(() => controller.abort());
  return controller;
}
