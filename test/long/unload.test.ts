import assert from 'node:assert/strict';
import { duplexPair } from 'node:stream';
import { EngineServer } from '../../engine/serve/server.ts';
import { textTurn } from '../../engine/wire/chatTurns.ts';
import { RpcClient } from '../../engine/wire/rpc.ts';
import { until } from '../support/until.ts';

const WEIGHTS = process.env['AIRGAP_SMOLLM2'];
const VERSION = '1.0.0';
const TOKEN = 'secret';

describe('a model that is unloaded beside another one', function () {
  this.timeout(900_000);

  it('gives its memory back to the system, each time', async function () {
    if (!WEIGHTS) {
      console.log('    skipped: AIRGAP_SMOLLM2 does not name the weights');
      return this.skip();
    }
    let windows = 0;
    const server = new EngineServer({
      version: VERSION,
      readToken: () => TOKEN,
      runtime: 'Node',
      noGpu: '',
      onClients: (count) => (windows = count),
      log: () => {},
    });
    const open = async (model: string) => {
      const [near, far] = duplexPair();
      server.accept(far);
      const client = new RpcClient(near);
      await client.call('initialize', { version: VERSION, token: TOKEN });
      const { modelId, bytes } = await client.call('load', { model, backend: 'wasm' });
      return { client, modelId, bytes };
    };
    const completions = await open('media/starter');
    /** Resident bytes with the second model, and once nine tenths of its bytes have gone. */
    const rounds: { loaded: number; unloaded: number; bytes: number }[] = [];
    for (let round = 0; round < 3; round++) {
      const { client, modelId, bytes } = await open(WEIGHTS);
      const messages = [textTurn('user', 'What is a stack?')];
      await client.call('chat', { modelId, sessionId: 'c', messages, maxTokens: 8 }, { onPart: () => {} });
      const loaded = process.memoryUsage.rss();
      client.close('');
      await until(() => windows === 1);
      await until(() => process.memoryUsage.rss() < loaded - 0.9 * bytes);
      rounds.push({ loaded, unloaded: process.memoryUsage.rss(), bytes });
    }
    const mega = (value: number): string => `${Math.round(value / 1e6)} MB`;
    for (const { loaded, unloaded, bytes } of rounds)
      console.log(`    weights and KV cache ${mega(bytes)}: ${mega(loaded)} resident, then ${mega(unloaded)}`);
    const [first, , last] = rounds;
    // What is left each time would be left twice. (The heap of JavaScript grows and shrinks by some 30 MB.)
    assert.ok(last!.unloaded - first!.unloaded < 0.5 * last!.bytes, 'memory is left each time');
    completions.client.close('');
    await server.dispose();
  });
});
