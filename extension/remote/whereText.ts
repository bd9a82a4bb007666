/** Where questions and code go, for the marks in the chat and in the status bar. */
import { type Traffic, traffic } from '../../engine/traffic.ts';
import type { Translate } from '../common/translate.ts';
import { trafficSentence } from '../engine/trafficText.ts';
import { serverName } from './server.ts';
import type { ServerUse } from './serverUse.ts';

export interface Where {
  /** Two words, or the name of the server. */
  readonly place: string;
  /** What goes to the server; empty where none is used. */
  readonly goes: string;
  /** The same, and what was sent where, as counted. */
  readonly sent: string;
}

/** `counted` is this window's traffic: a server is asked from here. */
export function whereText(use: Pick<ServerUse, 'for'>, t: Translate, counted: readonly Traffic[] = traffic()): Where {
  const goes = serverSentence(use, t);
  const sent = trafficSentence(counted, t);
  const server = use.for('chat') ?? use.for('completion');
  if (!server) return { place: t('Local only'), goes, sent };
  return { place: serverName(server), goes, sent: `${goes}\n${sent}` };
}

/** What goes to the server; empty where none is used. */
export function serverSentence(use: Pick<ServerUse, 'for'>, t: Translate): string {
  const [chat, completion] = [use.for('chat'), use.for('completion')];
  const server = chat ?? completion;
  if (!server) return '';
  const host = serverName(server);
  if (!chat) return t('The code around the cursor goes to {0}. Questions are answered on this machine.', host);
  return completion
    ? t('Questions, what is attached to them, and the code around the cursor go to {0}.', host)
    : t('Questions and what is attached to them go to {0}. Completions are computed on this machine.', host);
}
