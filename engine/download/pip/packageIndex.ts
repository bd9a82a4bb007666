/** A wheel by a package index's simple API (packaging.python.org, "Simple repository API"), in JSON or in HTML. */
import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { DownloadFailed } from '../../errors.ts';
import { checkAnswer, readText } from '../answers.ts';
import { shown } from '../failures.ts';
import type { Connection, HttpClient } from '../http.ts';
import type { RemoteFile } from '../hub.ts';
import { requestFile, splitCredentials } from '../requestFile.ts';
import { netrcAuthorization } from './netrc.ts';
import { type Machine, type PipConfig, readPipConfig } from './pipConfig.ts';

const ACCEPT = 'application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01';

export interface WantedWheel {
  /** The package's normalised name. */
  package: string;
  /** The file's name. */
  wheel: string;
}

/**
 * Asks the indexes that the user's pip knows, one after the other, for a wheel. Rejects with DownloadFailed if pip knows none,
 * if none has the wheel, or if one cannot be asked.
 */
export async function findWheel(
  http: HttpClient,
  wanted: WantedWheel,
  { machine, signal }: { machine: Machine; signal: AbortSignal },
): Promise<RemoteFile> {
  const config = await readPipConfig(machine);
  if (config.indexes.length === 0) {
    throw new DownloadFailed(
      'There is no Python with pip here, and pip is configured with no package index (PIP_INDEX_URL, or index-url in its ' +
        'configuration file).',
    );
  }
  for (const index of config.indexes) {
    const found = await askIndex(index, { http, wanted, config, machine, signal });
    if (found) return found;
  }
  throw new DownloadFailed(`No package index that pip is configured with has ${wanted.wheel}.`);
}

interface Asking {
  http: HttpClient;
  wanted: WantedWheel;
  config: PipConfig;
  machine: Machine;
  signal: AbortSignal;
}

async function askIndex(index: string, asking: Asking): Promise<RemoteFile | undefined> {
  const { http, wanted, config, machine, signal } = asking;
  if (!URL.canParse(index) || !/^https?:$/.test(new URL(index).protocol)) {
    throw new DownloadFailed("The package index in pip's configuration is no http or https address.");
  }
  const base = new URL(index.endsWith('/') ? index : `${index}/`);
  const { url, basic } = splitCredentials(new URL(`${wanted.package}/`, base));
  const authorization = basic ?? (await netrcAuthorization(url.hostname, machine));
  const connection = await connectionTo(url, config);
  const headers = { accept: ACCEPT };
  const response = await requestFile(http, url, { method: 'GET', headers, signal, authorization, connection });
  if (response.status === 404) {
    response.body.destroy();
    return undefined;
  }
  checkAnswer(response, { authorized: authorization !== undefined, html: true });
  const text = await readText(response, signal);
  const type = response.headers['content-type'] ?? '';
  const links = /\bjson\b/i.test(type) ? linksOfJson(text, response.url) : linksOfHtml(text, response.url);
  const link = links.find(({ name }) => name === wanted.wheel);
  if (!link) return undefined;
  const file = splitCredentials(link.url);
  return {
    name: wanted.wheel,
    url: file.url,
    bytes: link.bytes,
    ...(link.sha256 && { sha256: link.sha256 }),
    authorization: file.basic ?? (file.url.origin === url.origin ? authorization : undefined),
    connection: await connectionTo(file.url, config),
  };
}

async function connectionTo({ hostname, host }: URL, { trustedHosts, cert, proxy }: PipConfig): Promise<Connection> {
  const ca = await (cert &&
    readFile(cert, 'utf8').catch(() => {
      throw new DownloadFailed(`${cert}, which pip is configured to take certificates from, cannot be read.`);
    }));
  const isTrusted = trustedHosts.some((trusted) => trusted === hostname || trusted === host);
  return { ...(ca && { ca }), ...(proxy && { proxy }), ...(isTrusted && { unverified: true }) };
}

interface Link {
  name: string;
  url: URL;
  sha256: string | undefined;
  bytes: number | null;
}

const project = z.object({
  files: z.array(
    z.object({
      filename: z.string(),
      url: z.string(),
      hashes: z.object({ sha256: z.string().optional() }),
      size: z.int().nonnegative().optional(),
    }),
  ),
});

function linksOfJson(text: string, from: URL): Link[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // Told below.
  }
  const parsed = project.safeParse(json);
  if (!parsed.success) throw new DownloadFailed(`${shown(from)} did not answer with a list of packages.`);
  return parsed.data.files.flatMap(({ filename, url, hashes, size }) => {
    const absolute = URL.canParse(url, from.href) ? new URL(url, from) : undefined;
    const sha256 = hashes.sha256?.toLowerCase();
    return absolute ? [{ name: filename, url: absolute, sha256, bytes: size ?? null }] : [];
  });
}

function linksOfHtml(text: string, from: URL): Link[] {
  const base = hrefs(text, 'base')[0];
  const root = base !== undefined && URL.canParse(base, from.href) ? new URL(base, from) : from;
  return hrefs(text, 'a').flatMap((href) => {
    if (!URL.canParse(href, root.href)) return [];
    const url = new URL(href, root);
    const sha256 = /^#sha256=([0-9a-f]{64})$/i.exec(url.hash)?.[1]?.toLowerCase();
    url.hash = '';
    return [{ name: decodeURIComponent(url.pathname.split('/').at(-1)!), url, sha256, bytes: null }];
  });
}

/** The addresses that elements of one kind name. */
function hrefs(text: string, element: string): string[] {
  const tags = text.matchAll(new RegExp(`<${element}\\s[^>]*?\\bhref\\s*=\\s*(?:"([^"]*)"|'([^']*)')`, 'gi'));
  return [...tags].map(([, double, single]) => (double ?? single)!.replaceAll('&amp;', '&'));
}
