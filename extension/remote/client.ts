/** The client of the OpenAI-compatible API, for one server. */
import type { OpenAI } from 'openai';
import * as z from 'zod';
import { failureOf } from './failureOf.ts';
import { apiUrl, type RemoteServer } from './server.ts';
import { type RemoteHost, serverFetch } from './serverFetch.ts';

export interface ServedModel {
  readonly id: string;
  /** Its id with the name that it was published under, where the server says that, as vLLM does. */
  readonly family: string;
  /** Tokens of prompt and answer together, where the server says so, as vLLM does. */
  readonly contextLength?: number;
}

const served = z.object({
  id: z.string().min(1),
  root: z.string().nullish(),
  max_model_len: z.int().positive().nullish(),
});

/**
 * The package's client, loaded with the first call. It tries nothing again by itself, and nothing of the environment
 * (OPENAI_API_KEY and others) reaches the server.
 */
export async function openClient(server: RemoteServer, host: RemoteHost): Promise<OpenAI> {
  const { OpenAI } = await import('openai');
  return new OpenAI({
    baseURL: apiUrl(server),
    // The package insists on one; serverFetch sends none where the user has none.
    apiKey: server.key ?? 'none',
    adminAPIKey: null,
    organization: null,
    project: null,
    webhookSecret: null,
    maxRetries: 0,
    logLevel: 'off',
    fetch: serverFetch(server, host),
  });
}

/** The models that a server offers. Rejects with RemoteFailure. */
export async function listModels(server: RemoteServer, host: RemoteHost, signal: AbortSignal): Promise<ServedModel[]> {
  try {
    const client = await openClient(server, host);
    const { data } = await client.models.list({ signal });
    return z
      .array(served)
      .parse(data)
      .map(({ id, root, max_model_len }) => ({
        id,
        family: root ? `${id} ${root}` : id,
        ...(max_model_len ? { contextLength: max_model_len } : {}),
      }));
  } catch (error) {
    throw failureOf(error, server, host.t, signal);
  }
}
