import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { beyondOwnProcesses, countConnection, onDidConnect, OWN_PROCESSES, traffic } from '../../engine/traffic.ts';
import { trafficReport, trafficSentence } from '../../extension/engine/trafficText.ts';
import { ggufEntry, HubTest } from '../support/engine/download/hubTest.ts';

class Socket extends EventEmitter {
  bytesWritten = 0;
  bytesRead = 0;
}

const at = (destination: string) => traffic().find((each) => each.destination === destination);
const t = (text: string, ...values: (string | number)[]): string =>
  text.replace(/\{(\d)\}/g, (_, index: string) => String(values[Number(index)]));

describe('traffic', () => {
  it('counts connections, and bytes of open and of closed ones', () => {
    let told = 0;
    const listening = onDidConnect(() => told++);
    const [first, second] = [new Socket(), new Socket()];
    countConnection('first.example', first);
    countConnection('first.example', second);
    listening.dispose();
    Object.assign(first, { bytesWritten: 10, bytesRead: 100 });
    Object.assign(second, { bytesWritten: 1, bytesRead: 2 });
    const counted = { destination: 'first.example', connections: 2, sent: 11, received: 102 };
    assert.deepEqual([at('first.example'), told], [counted, 2]);
    first.emit('close');
    first.emit('close');
    Object.assign(first, { bytesWritten: 0, bytesRead: 0 });
    assert.deepEqual(at('first.example'), counted);
    countConnection('third.example', new Socket());
    assert.equal(told, 2);
  });

  it('a download counts with each host that it connects to', async () => {
    const gguf = Buffer.alloc(50_000, 7);
    const hub = await HubTest.start({ 'model.gguf': gguf });
    try {
      await hub.download(ggufEntry());
      const [from, cdn] = [at(new URL(hub.hub).host), at(new URL(hub.cdn).host)];
      assert.ok(from && from.connections > 0 && from.sent > 0, JSON.stringify(traffic()));
      assert.ok(cdn && cdn.received > gguf.length, JSON.stringify(traffic()));
    } finally {
      hub.close();
    }
  });

  it('is said in words', () => {
    const own = { destination: OWN_PROCESSES, connections: 1, sent: 1234, received: 2 };
    const hub = { destination: 'hub.example', connections: 2, sent: 300, received: 4 };
    assert.deepEqual(beyondOwnProcesses([own, hub]), [hub]);
    assert.equal(trafficSentence([own], t), 'Nothing was sent over a network.');
    assert.match(trafficSentence([own, hub], t), /^Your code was sent nowhere\. Only downloads .*: hub\.example\.$/);
    const report = trafficReport(
      [
        { name: 'Window', traffic: [own, hub] },
        { name: 'Idle', traffic: [] },
        { name: 'Engine', traffic: undefined },
      ],
      t,
    );
    assert.ok(
      report.includes(`| Airgap's own processes on this machine | 1 | ${(1234).toLocaleString()} | 2 |`),
      report,
    );
    assert.ok(report.includes('| hub.example | 2 | 300 | 4 |'));
    assert.match(report, /## Idle\n\nIt has opened no connection\.\n\n## Engine\n\nIt is not running\./);
  });
});
