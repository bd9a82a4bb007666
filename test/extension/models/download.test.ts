import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { downloadModel } from '../../../extension/models/downloadModel.ts';
import { ModelsWindow } from '../../support/extension/modelsWindow.ts';
import { window as stub } from '../../support/extension/vscodeStub.ts';

const FILE = '/microsoft/Phi-3-mini-4k-instruct-gguf/resolve/main/Phi-3-mini-4k-instruct-q4.gguf';
const SIZE = 2393231072;

describe('the command that downloads a model', () => {
  let window: ModelsWindow;
  let folder: string;
  let server: Server;
  let requests: string[];
  let secrets: Map<string, string>;
  let answer: (request: IncomingMessage, response: ServerResponse) => void;
  /** What the user types when asked for a token. */
  let typed: string | undefined;

  beforeEach(async () => {
    window = new ModelsWindow();
    folder = mkdtempSync(join(tmpdir(), 'airgap-download-'));
    [requests, secrets, typed] = [[], new Map(), undefined];
    answer = (_, response) => response.writeHead(200, { 'content-length': String(SIZE), etag: '"a"' }).end();
    server = createServer((request, response) => {
      requests.push([request.method, request.url, request.headers.authorization].filter(Boolean).join(' '));
      answer(request, response);
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    window.stored['download.address'] = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    window.stored['store.folder'] = join(folder, 'store');
    Object.assign(stub, { showInputBox: async () => typed });
    window.picks.push(/Phi-3-mini/);
  });
  afterEach(async () => {
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true });
  });
  const download = (): Promise<void> =>
    downloadModel({
      ...window,
      secrets: {
        get: async (name: string) => secrets.get(name),
        store: async (name: string, value: string) => void secrets.set(name, value),
      },
    } as never);

  it('asks nothing of a network before a model is picked', async () => {
    window.picks.length = 0;
    await download();
    assert.match(window.lines[0]!.labels.join(), /SmolLM2-135M-Instruct.*Phi-3-mini-4k-instruct-q4/);
    assert.deepEqual([requests, existsSync(join(folder, 'store'))], [[], false]);
  });

  it('says size, free space, licence and hash first; without a yes nothing is downloaded', async () => {
    await download();
    assert.match(
      window.messages[0]!,
      /^Download Phi-3-mini-4k-instruct-q4\? \| From: http.*\nSize: 2\.4 GB\nFree on the disk: .*\nLicence: MIT\nThe files are compared with the hash in the catalogue\. \| Download$/,
    );
    assert.deepEqual([window.messages.length, requests], [1, [`HEAD ${FILE}`]]);
  });

  it('asks for a token where the server wants one, keeps it, and asks only once', async () => {
    const authorized = answer;
    answer = (request, response) =>
      request.headers.authorization === 'Bearer hf_x' ? authorized(request, response) : response.writeHead(401).end();
    await assert.rejects(download(), /asks for a token \(401\)/);
    assert.equal(secrets.size, 0);
    typed = 'hf_x';
    for (let turn = 0; turn < 2; turn++) {
      window.picks.push(/Phi-3-mini/);
      await download();
      typed = undefined;
    }
    assert.deepEqual([...secrets.values()], ['hf_x']);
    assert.deepEqual(requests.slice(1), [`HEAD ${FILE}`, `HEAD ${FILE} Bearer hf_x`, `HEAD ${FILE} Bearer hf_x`]);
  });

  it('a failure is one sentence', async () => {
    answer = (_, response) => response.writeHead(404).end();
    await assert.rejects(download(), /^DownloadFailed: http.* does not exist \(404\)\.$/);
  });
});
