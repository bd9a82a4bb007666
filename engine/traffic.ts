/**
 * Counts what this process sends and receives through sockets, by destination. Every file that opens or accepts a socket
 * counts it here (test/architecture.test.ts), so that the product itself can say what was sent where.
 */

/** Connections between Airgap's own processes: a private socket or pipe on this machine. */
export const OWN_PROCESSES = 'own processes';

export interface Traffic {
  /** OWN_PROCESSES, or the host that was connected to, such as "huggingface.co". */
  readonly destination: string;
  readonly connections: number;
  /** Bytes on the wire, so with TLS encrypted ones. */
  readonly sent: number;
  readonly received: number;
  /** A server that answers in place of a local model, which the user has named: questions and code were sent there. */
  readonly answers?: true;
}

/** The part of node:net's Socket that is counted. */
interface CountedSocket {
  readonly bytesWritten: number;
  readonly bytesRead: number;
  once(event: 'close', listener: () => void): unknown;
}

interface Count {
  connections: number;
  sent: number;
  received: number;
  answers: boolean;
  readonly open: Set<CountedSocket>;
}

const counts = new Map<string, Count>();
const listeners = new Set<() => void>();

/** Call this once for each socket, as soon as it is there. */
export function countConnection(destination: string, socket: CountedSocket): void {
  countOpen(destination, socket, false);
}

/** As countConnection, for a request to the server that answers in place of a local model. Its bytes are those of bodies. */
export function countRequest(destination: string, request: CountedSocket): void {
  countOpen(destination, request, true);
}

function countOpen(destination: string, socket: CountedSocket, answers: boolean): void {
  const count = counts.get(destination) ?? { connections: 0, sent: 0, received: 0, answers, open: new Set() };
  counts.set(destination, count);
  count.answers ||= answers;
  count.connections++;
  count.open.add(socket);
  socket.once('close', () => {
    if (!count.open.delete(socket)) return;
    count.sent += socket.bytesWritten;
    count.received += socket.bytesRead;
  });
  for (const listener of listeners) listener();
}

/** The traffic of this process since it started. */
export function traffic(): Traffic[] {
  return [...counts].map(([destination, { connections, sent, received, answers, open }]) => ({
    destination,
    connections,
    ...(answers ? { answers } : {}),
    sent: [...open].reduce((sum, { bytesWritten }) => sum + bytesWritten, sent),
    received: [...open].reduce((sum, { bytesRead }) => sum + bytesRead, received),
  }));
}

/** Only what went to other machines, or to other programs on this one. */
export function beyondOwnProcesses(all: readonly Traffic[]): Traffic[] {
  return all.filter(({ destination }) => destination !== OWN_PROCESSES);
}

/** Calls the listener after each new connection. */
export function onDidConnect(listener: () => void): { dispose(): void } {
  listeners.add(listener);
  return { dispose: () => listeners.delete(listener) };
}
