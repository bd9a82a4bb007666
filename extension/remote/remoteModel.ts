/** The models on a server, with the interfaces of those on this machine. */
import type { Syntax } from '../../engine/syntax/findErrors.ts';
import type { ChatModel, CompletionModel } from '../engine/engine.ts';
import type { RemoteModel } from './connection.ts';
import { RemoteChat } from './remoteChat.ts';
import { RemoteCompletion } from './remoteCompletion.ts';
import type { RemoteServer } from './server.ts';
import type { RemoteHost } from './serverFetch.ts';

export function createRemoteChat(server: RemoteServer, host: RemoteHost): ChatModel & RemoteModel {
  return new RemoteChat(server, host);
}

/** `syntax` finds errors in the document's language, so that no completion adds one; only brackets are checked without. */
export function createRemoteCompletion(
  server: RemoteServer,
  host: RemoteHost,
  syntax?: Syntax,
): CompletionModel & RemoteModel {
  return new RemoteCompletion(server, host, syntax);
}
