/** Says in words what was sent where. Pure. */
import { beyondOwnProcesses, OWN_PROCESSES, type Traffic } from '../../engine/traffic.ts';
import type { Translate } from '../common/translate.ts';

/** One sentence for the mark and the menu; `all` is what this window's processes have counted. */
export function trafficSentence(all: readonly Traffic[], t: Translate): string {
  const beyond = beyondOwnProcesses(all);
  const named = (some: readonly Traffic[]): string => some.map(({ destination }) => destination).join(', ');
  // Asking a server for its models sends nothing but the question.
  const asked = beyond.filter(({ answers, sent }) => answers && sent > 0);
  if (asked.length > 0) return t('Questions and code were sent to {0}.', named(asked));
  if (beyond.length === 0) return t('Nothing was sent over a network.');
  const downloads = beyond.filter(({ answers }) => !answers);
  return downloads.length === 0
    ? t('Your code was sent nowhere. {0} was only asked for its models.', named(beyond))
    : t('Your code was sent nowhere. Only downloads that you asked for reached a network: {0}.', named(downloads));
}

export interface ProcessTraffic {
  /** "This window", "The engine". */
  readonly name: string;
  /** Undefined where the process does not run. */
  readonly traffic: readonly Traffic[] | undefined;
}

/** The whole account as Markdown. */
export function trafficReport(processes: readonly ProcessTraffic[], t: Translate): string {
  const all = processes.flatMap(({ traffic }) => traffic ?? []);
  return [
    `# ${t('What Airgap sent, and where')}`,
    '',
    trafficSentence(all, t),
    all.some(({ answers }) => answers)
      ? t('Of what goes to a server, the bodies of requests and answers are counted.')
      : t('Models run on this machine. Questions and code go to the engine process through a private socket or pipe.'),
    t('The counters below are in the code that opens sockets. They start with each process.'),
    '',
    ...processes.flatMap(({ name, traffic }) => [`## ${name}`, '', ...tableOf(traffic, t), '']),
  ].join('\n');
}

function tableOf(traffic: readonly Traffic[] | undefined, t: Translate): string[] {
  if (!traffic) return [t('It is not running.')];
  if (traffic.length === 0) return [t('It has opened no connection.')];
  return [
    `| ${[t('Destination'), t('Connections'), t('Bytes sent'), t('Bytes received')].join(' | ')} |`,
    '| --- | --- | --- | --- |',
    ...traffic.map(({ destination, connections, sent, received }) => {
      const name = destination === OWN_PROCESSES ? t("Airgap's own processes on this machine") : destination;
      return `| ${[name, ...[connections, sent, received].map((count) => count.toLocaleString())].join(' | ')} |`;
    }),
  ];
}
