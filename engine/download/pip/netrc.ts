/** Names and passwords of a .netrc file, which pip sends where an address has none. */
import { readFile } from 'node:fs/promises';
import { posix, win32 } from 'node:path';
import { basicAuthorization } from '../requestFile.ts';
import type { Machine } from './pipConfig.ts';

/** A header for a host, by the file that NETRC names or the one in the home folder; undefined if it has no such line. */
export async function netrcAuthorization(host: string, { platform, home, env }: Machine): Promise<string | undefined> {
  const { join } = platform === 'win32' ? win32 : posix;
  const paths = env['NETRC'] ? [env['NETRC']] : [join(home, '.netrc'), join(home, '_netrc')];
  for (const path of paths) {
    const found = findNetrcLogin(await readFile(path, 'utf8').catch(() => ''), host);
    if (found) return basicAuthorization(found.login, found.password);
  }
  return undefined;
}

/** The entry of `host`, or else the one that is called `default`. */
export function findNetrcLogin(text: string, host: string): { login: string; password: string } | undefined {
  const tokens = text.match(/#[^\n]*|"(?:\\.|[^"\\])*"|\S+/g)?.filter((token) => !token.startsWith('#')) ?? [];
  const plain = tokens.map((token) => (token.startsWith('"') ? token.slice(1, -1).replace(/\\(.)/g, '$1') : token));
  const entries: { machine: string | undefined; login?: string; password?: string }[] = [];
  for (let at = 0; at < plain.length; at++) {
    const token = plain[at]!;
    if (token === 'default') entries.push({ machine: undefined });
    else if (token === 'machine') entries.push({ machine: plain[++at] ?? '' });
    else if (token === 'login' || token === 'password')
      Object.assign(entries.at(-1) ?? {}, { [token]: plain[++at] ?? '' });
  }
  const entry = entries.find(({ machine }) => machine === host) ?? entries.find(({ machine }) => machine === undefined);
  return entry && { login: entry.login ?? '', password: entry.password ?? '' };
}
