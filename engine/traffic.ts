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
  readonly open: Set<CountedSocket>;
}

const counts = new Map<string, Count>();
const listeners = new Set<() => void>();

/** Call this once for each socket, as soon as it is there. */
export function countConnection(destination: string, socket: CountedSocket): void {
  const count = counts.get(destination) ?? { connections: 0, sent: 0, received: 0, open: new Set() };
  counts.set(destination, count);
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
  return [...counts].map(([destination, { connections, sent, received, open }]) => ({
    destination,
    connections,
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
