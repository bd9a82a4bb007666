/** The address of a server, as settings and users write it. Pure. */

export interface ServerAddress {
  /** Without a slash at the end. */
  readonly url: string;
  /** Whether nobody on the way can read along: by TLS, or because it is this machine. */
  readonly isPrivate: boolean;
}

/** Undefined unless it is an http or https address without user name, password, query and fragment. */
export function readAddress(text: string): ServerAddress | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || /[?#@]/.test(text)) return undefined;
  const isPrivate = url.protocol === 'https:' || isLoopback(url.hostname);
  return { url: url.origin + url.pathname.replace(/\/+$/, ''), isPrivate };
}

/** The parser has written `127.1` and the like in full. */
function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname);
}
