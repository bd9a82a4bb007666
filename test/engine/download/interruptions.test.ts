import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DownloadProgress } from '../../../engine/download/sources.ts';
import { Cancelled } from '../../../engine/errors.ts';
import { until } from '../../support/until.ts';
import { randomBytes } from '../../support/engine/download/bytes.ts';
import { ggufEntry, HubTest, REPOSITORY } from '../../support/engine/download/hubTest.ts';
import { type Answer, sha256 } from '../../support/engine/download/servers.ts';

const GGUF = randomBytes(300_000, 1);
const OTHER = randomBytes(300_000, 2);
const FILES = { 'model.gguf': GGUF };

/** Sends a part of the file and breaks the connection once it has been written to the disk, for the first requests. */
function cutting(file: Buffer, written: () => number, ...sizes: number[]): Answer {
  return async ({ headers }, response) => {
    const size = sizes.shift();
    if (size === undefined) return false;
    const start = Number(/\d+/.exec(headers.range ?? '')?.[0] ?? 0);
    if (start > 0) response.setHeader('content-range', `bytes ${start}-${file.length - 1}/${file.length}`);
    response.writeHead(start > 0 ? 206 : 200, { 'content-length': file.length - start });
    response.write(file.subarray(start, start + size));
    await until(() => written() === start + size);
    response.destroy();
    return true;
  };
}

describe('a download that is interrupted', () => {
  let test: HubTest;
  afterEach(() => test.close());

  it('goes on where the stream was cut', async () => {
    test = await HubTest.start(FILES, { cdn: cutting(GGUF, () => test.partBytes('Model'), 100_000, 50_000) });
    const entry = await test.download(ggufEntry());
    assert.deepEqual(readFileSync(entry.path), GGUF);
    assert.deepEqual(test.ranges(), ['all', 'bytes=100000-', 'bytes=150000-']);
  });

  it('starts again where the server refuses ranges', async () => {
    let isFirst = true;
    test = await HubTest.start(FILES, {
      cdn: (request, response) => {
        if (isFirst)
          return ((isFirst = false), cutting(GGUF, () => test.partBytes('Model'), 100_000)(request, response));
        response.end(GGUF);
        return true;
      },
    });
    assert.deepEqual(readFileSync((await test.download(ggufEntry())).path), GGUF);
    assert.deepEqual(test.ranges(), ['all', 'bytes=100000-']);
  });

  it('keeps what has arrived for the next command', async () => {
    test = await HubTest.start(FILES, { cdn: slow(100_000) });
    const first = new AbortController();
    const stopped = test.download(ggufEntry(), {
      signal: first.signal,
      onProgress: ({ doneBytes }) => void (doneBytes === 100_000 && first.abort()),
    });
    await assert.rejects(stopped, Cancelled);
    assert.deepEqual(test.left('Model'), ['model.gguf.part', 'model.gguf.part.json']);
    await test.download(ggufEntry());
    assert.deepEqual(test.ranges(), ['all', 'bytes=100000-']);
    assert.deepEqual(
      test.plans.map(({ neededBytes }) => neededBytes),
      [300_000, 200_000],
    );
  });

  it('does not join halves of different files', async () => {
    const files = { 'model.gguf': GGUF };
    test = await HubTest.start(files, { cdn: slow(100_000) });
    const first = new AbortController();
    const onProgress = () => first.abort();
    await assert.rejects(test.download(ggufEntry(), { signal: first.signal, onProgress }), Cancelled);
    files['model.gguf'] = OTHER;
    const entry = await test.download(ggufEntry());
    assert.equal(entry.sha256, sha256(OTHER));
    assert.deepEqual(test.ranges(), ['all', 'all']);
  });

  it('does not mix files of different states of a repository', async () => {
    const [first, second] = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];
    const files = { 'config.json': Buffer.from('{}'), [first]: GGUF, [second]: GGUF };
    test = await HubTest.start(files);
    const entry = { kind: 'folder', name: 'Model', licence: 'MIT', gated: false, repository: REPOSITORY } as const;
    const stop = new AbortController();
    const onProgress = ({ doneBytes }: DownloadProgress) => void (doneBytes > GGUF.length + 2 && stop.abort());
    await assert.rejects(test.download(entry, { signal: stop.signal, onProgress }), Cancelled);
    assert.ok(test.left('Model').includes(first));
    files[first] = OTHER;
    const { path } = await test.download(entry);
    assert.ok(readFileSync(join(path, first)).equals(OTHER));
    assert.ok(readFileSync(join(path, second)).equals(GGUF));
  });

  it('does not resume a file of which nothing is known', async () => {
    test = await HubTest.start(FILES, { cdn: slow(100_000), states: false });
    const first = new AbortController();
    const onProgress = () => first.abort();
    await assert.rejects(test.download(ggufEntry(), { signal: first.signal, onProgress }), Cancelled);
    await test.download(ggufEntry());
    assert.deepEqual(test.ranges(), ['all', 'all']);
  });

  for (const state of [429, 503]) {
    it(`waits as long as the server asks it to (${state})`, async () => {
      let isFirst = true;
      test = await HubTest.start(FILES, {
        cdn: (_request, response) => {
          if (isFirst) response.writeHead(state, { 'retry-after': '0' }).end();
          return isFirst && !(isFirst = false);
        },
      });
      await test.download(ggufEntry());
      assert.deepEqual(test.ranges(), ['all', 'all']);
    });
  }

  it('gives up after some tries that bring nothing', async () => {
    test = await HubTest.start(FILES, {
      cdn: (_request, response) => {
        response.writeHead(503, { 'retry-after': '0' }).end();
        return true;
      },
    });
    await assert.rejects(test.download(ggufEntry()), /localhost:\d+ is overloaded \(503\): try again in 0 s/);
    assert.equal(test.ranges().length, 5);
  });

  it('can be cancelled while a server says nothing', async () => {
    const controller = new AbortController();
    test = await HubTest.start(FILES, {
      cdn: () => {
        controller.abort();
        return new Promise<boolean>(() => undefined);
      },
    });
    await assert.rejects(test.download(ggufEntry(), { signal: controller.signal }), Cancelled);
  });
});

/** Sends the first bytes and then nothing more, for the first request. */
function slow(bytes: number): Answer {
  let isFirst = true;
  return (_request, response) => {
    if (!isFirst) return false;
    isFirst = false;
    response.writeHead(200, { 'content-length': GGUF.length });
    response.write(GGUF.subarray(0, bytes));
    return true;
  };
}
