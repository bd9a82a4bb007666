/** The server that answers in place of a model on this machine, as the user has named it. Pure. */

/** Checked by the reader of the settings. */
export interface RemoteServer {
  /** An http or https address, with `/v1` at its end or without. */
  readonly url: string;
  /** The id of the served model, as `/v1/models` lists it. */
  readonly model: string;
  /** Sent as a bearer token, to this server only. */
  readonly key?: string;
}

/** The address that the API's paths follow, such as `http://gpu:8000/v1`. */
export function apiUrl({ url }: Pick<RemoteServer, 'url'>): string {
  return `${serverUrl({ url })}/v1`;
}

/** The address without `/v1`, which vLLM's own paths follow. */
export function serverUrl({ url }: Pick<RemoteServer, 'url'>): string {
  return url.replace(/\/+$/, '').replace(/\/v1$/, '').replace(/\/+$/, '');
}

/** Host and port, as in "gpu:8000": what the user is told about where something goes. */
export function serverName({ url }: Pick<RemoteServer, 'url'>): string {
  return new URL(url).host;
}
