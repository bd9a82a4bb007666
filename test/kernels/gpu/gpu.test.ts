import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadDawn, loadFailure } from '../../../kernels/gpu/device/dawn.ts';
import { type GpuOps, type GpuOptions, createGpuOps, gpuReport } from '../../../kernels/gpu/gpuOps.ts';
import { BackendLost, OutOfMemory, PAGE_TOKENS, type Tensor, type WeightDType } from '../../../kernels/ops.ts';
import { ReferenceOps } from '../../../kernels/reference/referenceOps.ts';
import { assertClose } from '../../support/close.ts';
import { randomValues } from '../../support/random.ts';
import { WEIGHT_DTYPES, makeWeight, writeRows } from '../../support/weights.ts';

describe('the GPU backend', function () {
  this.timeout(60_000);
  const made: GpuOps[] = [];

  before(async function () {
    const { usable, reason } = await gpuReport({ allowSoftware: true });
    if (usable) return;
    console.log(`    skipped: ${reason}`);
    this.skip();
  });

  afterEach(async () => {
    for (const ops of made.splice(0)) await ops.dispose();
  });

  async function create(options: GpuOptions = {}): Promise<GpuOps> {
    const ops = await createGpuOps({ allowSoftware: true, ...options });
    made.push(ops);
    return ops;
  }

  it('says that the device was lost, once, and refuses every later step', async () => {
    const told: BackendLost[] = [];
    const ops = await create({ onLost: (reason) => told.push(reason) });
    const pool = ops.createKvPool({ layers: 1, kvHeads: 1, headDim: 32, dtype: 'f16' });
    await pool.grow(1);
    const running = ops.step(() => ops.siluMul(ops.input(new Float32Array(64), [1, 64])));
    ops.device.destroy();
    await assert.rejects(running, BackendLost);
    await assert.rejects(identity(ops), BackendLost);
    for (const use of [pool.grow(2), pool.copy(0, 0), pool.read(0), pool.write(0, new Uint8Array(pool.pageBytes))])
      await assert.rejects(use, BackendLost);
    await assert.rejects(async () => ops.createWeight([1, 4], 'f32').finish(), /got 0 rows/);
    const writer = ops.createWeight([1, 4], 'f32');
    await assert.rejects(writeRows(writer, new Float32Array(4)), BackendLost);
    await assert.rejects(writer.finish(), BackendLost);
    assert.equal(told.length, 1);
    assert.match(told[0]!.message, /^The GPU was lost: .+\.$/);
  });

  it('holds nothing after dispose, which tells nobody of a loss', async () => {
    let isTold = false;
    const ops = await create({ onLost: () => (isTold = true) });
    ops.upload(new Float32Array(8), [8]);
    const weight = await randomWeight(ops, [8, 32]);
    await ops.createKvPool({ layers: 2, kvHeads: 1, headDim: 32, dtype: 'f32' }).grow(2);
    await ops.step(() => ops.linear(ops.input(new Float32Array(32), [1, 32]), weight));
    assert.ok(ops.bytesHeld > 0);
    await ops.dispose();
    await ops.dispose();
    assert.equal(ops.bytesHeld, 0);
    await ops.device.lost;
    assert.equal(isTold, false);
    await assert.rejects(identity(ops), /disposed/);
  });

  it('frees a cleared KV pool, which can grow again', async () => {
    const ops = await create();
    const pool = ops.createKvPool({ layers: 2, kvHeads: 1, headDim: 32, dtype: 'f16' });
    await pool.grow(3);
    const page = await pool.read(2);
    assert.equal(ops.bytesHeld, 3 * pool.pageBytes);
    pool.clear!();
    assert.deepEqual([ops.bytesHeld, pool.capacity], [0, 0]);
    await pool.grow(1);
    await pool.write(0, page.fill(7));
    assert.deepEqual(await pool.read(0), page);
  });

  it('ends the threads that pack weights when it is disposed', async () => {
    const ops = await create();
    await randomWeight(ops, [64, 64]);
    assert.ok(openThreads() > 0);
    const packing = ops.createWeight([64, 64], 'q4').writeStored(2 * 64 * 64, 'BF16', async () => {});
    const refused = assert.rejects(packing, { name: 'BackendLost', message: 'The GPU backend was disposed.' });
    await ops.dispose();
    await refused;
    assert.equal(openThreads(), 0);
    const late = ops.createWeight([1, 4], 'f32').writeStored(16, 'F32', async () => {});
    await assert.rejects(late, BackendLost);
  });

  it('waits for the step under way before it disposes', async () => {
    const ops = await create();
    const step = identity(ops);
    await ops.dispose();
    assert.deepEqual([...(await step)], [1, 2, 3, 4]);
  });

  it('uses the same scratch memory for every step, and again within a step', async () => {
    const ops = await create();
    const one = Float32Array.of(...Array<number>(1024).fill(1));
    const weight = ops.upload(one, [1024]);
    const norms = (count: number): Promise<Float32Array> =>
      ops.step(() => {
        let x: Tensor = ops.input(one, [1, 1024]);
        for (let i = 0; i < count; i++) x = ops.rmsNorm(x, weight, 0);
        return x;
      });
    await norms(2);
    const held = ops.bytesHeld;
    await norms(2);
    assert.equal(ops.bytesHeld, held);
    await norms(4); // Only its parameters may need more.
    assert.ok(ops.bytesHeld - held < 4096);
  });

  it('keeps a weight that is too large for one buffer in several', async () => {
    const ops = await create({ largestBufferBytes: 4096 });
    for (const dtype of WEIGHT_DTYPES) {
      const weight = await randomWeight(ops, [100, 96], dtype);
      assert.ok((weight as unknown as { parts: unknown[] }).parts.length > 1);
      const reference = new ReferenceOps();
      const same = await randomWeight(reference, [100, 96], dtype);
      for (const rows of [1, 7, 9]) {
        const x = randomValues(rows, rows * 96);
        const got = await ops.step(() => ops.linear(ops.input(x, [rows, 96]), weight));
        const want = await reference.step(() => reference.linear(reference.input(x, [rows, 96]), same));
        assertClose(got, want, 2e-5, `linear ${dtype}`);
      }
      const ids = [0, 99, 40, 41, 85];
      const want = await reference.step(() => reference.embed(same, ids));
      assertClose(await ops.step(() => ops.embed(weight, ids)), want, 1e-6, `embed ${dtype}`);
      ops.free(weight);
    }
  });

  it('knows what does not fit, and then changes nothing', async () => {
    const ops = await create({ largestBufferBytes: 2 ** 20 });
    const layout = { layers: 2, kvHeads: 2, headDim: 64, dtype: 'f16' } as const; // 16 KiB of keys a page
    assert.equal(ops.mostKvPages(layout), 64);
    const pool = ops.createKvPool(layout);
    await pool.grow(2);
    const held = ops.bytesHeld;
    await assert.rejects(pool.grow(65), OutOfMemory);
    assert.equal(pool.capacity, 2);
    assert.equal(ops.bytesHeld, held);
    await pool.grow(64);
    assert.throws(() => ops.createWeight([1, 2 ** 20], 'f32'), OutOfMemory);
    await assert.rejects(
      ops.step(() => ops.input(new Float32Array(2 ** 19), [1, 2 ** 19])),
      OutOfMemory,
    );
    await assert.rejects(identity(ops), OutOfMemory);
  });

  it('holds a pool of just pageBytes a page, and nothing else after copies', async () => {
    const ops = await create();
    for (const dtype of ['f32', 'f16', 'q8'] as const) {
      const before = ops.bytesHeld;
      const pool = ops.createKvPool({ layers: 3, kvHeads: 2, headDim: 24, dtype });
      await pool.grow(5);
      await pool.copy(1, 4);
      await pool.write(0, await pool.read(4));
      assert.equal(ops.bytesHeld - before, 5 * pool.pageBytes, dtype);
      await assert.rejects(pool.copy(0, 5), /page 5 of 5/);
      await assert.rejects(pool.read(-1), /page -1 of 5/);
      await assert.rejects(pool.write(0, new Uint8Array(16)), /16 bytes for a page of \d+/);
      pool.dispose();
      assert.equal(ops.bytesHeld, before);
    }
  });

  it('reads no block that block-sparse attention does not see', async () => {
    const ops = await create();
    const shape = { heads: 2, kvHeads: 1, headDim: 32 };
    const sparsity = { blockTokens: PAGE_TOKENS, localBlocks: 2, vertStride: 3, headStep: 0 };
    const pool = ops.createKvPool({ layers: 1, kvHeads: 1, headDim: 32, dtype: 'f32' });
    await pool.grow(8);
    const pages = [0, 1, 2, 3, 4, 5, 6, 7];
    const attend = (tokens: number): Promise<Float32Array> =>
      ops.step(() => {
        const q = ops.input(randomValues(tokens, tokens * 64), [tokens, 64]);
        const kv = { pool, pages, length: 8 * PAGE_TOKENS - tokens };
        return ops.attention(q, kv, 0, { ...shape, scale: 1, window: 1 << 30, sparsity });
      });
    for (const page of pages) await pool.write(page, bytesOf(randomValues(page, pool.pageBytes / 4)));
    const want = [await attend(1), await attend(40)];
    // Blocks 2, 5, 6 and 7 are visible. Use of any other, however small its weight, would give NaN.
    for (const page of [0, 1, 3, 4]) await pool.write(page, bytesOf(new Float32Array(pool.pageBytes / 4).fill(NaN)));
    assert.deepEqual([await attend(1), await attend(40)], want);
    await pool.write(2, bytesOf(new Float32Array(pool.pageBytes / 4).fill(NaN)));
    for (const tokens of [1, 40]) assert.ok((await attend(tokens)).every(Number.isNaN));
  });

  it('says which runtime is needed where mapped memory is refused, as in Electron', async () => {
    const buffer = loadDawn().globals['GPUBuffer']!.prototype as { getMappedRange: () => ArrayBuffer };
    const original = buffer.getMappedRange;
    buffer.getMappedRange = () => {
      throw new Error('External buffers are not allowed');
    };
    try {
      const report = await gpuReport({ allowSoftware: true });
      assert.equal(report.usable, false);
      assert.match(report.reason, /cannot read results of the GPU.*plain Node\.js/);
      assert.match(report.details.join('\n'), /^adapter: /m);
      await assert.rejects(createGpuOps({ allowSoftware: true }), { name: 'GpuUnavailable', message: report.reason });
    } finally {
      buffer.getMappedRange = original;
    }
  });

  it('takes a software adapter only when asked to', async function () {
    const { details } = await gpuReport({ allowSoftware: true });
    if (!details.includes('computes on the CPU: yes')) {
      console.log('      skipped: this machine has a real GPU');
      return this.skip();
    }
    const refused = await gpuReport();
    assert.equal(refused.usable, false);
    assert.match(refused.reason, /computes on the CPU/);
    await assert.rejects(createGpuOps(), { name: 'GpuUnavailable' });
  });

  it('takes the adapter that is named', async () => {
    const listed = await gpuReport({ allowSoftware: true, adapterName: 'no such adapter' });
    const name = /^No GPU adapter is named "no such adapter"; there are: ([^,]+).*\.$/.exec(listed.reason)?.[1];
    assert.ok(name && (await gpuReport({ allowSoftware: true, adapterName: name })).usable, listed.reason);
  });
});

describe('the GPU library', () => {
  let folder: string;
  const before_ = process.env['AIRGAP_DAWN_DIR'];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'airgap-dawn-'));
    process.env['AIRGAP_DAWN_DIR'] = folder;
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
    if (before_ === undefined) delete process.env['AIRGAP_DAWN_DIR'];
    else process.env['AIRGAP_DAWN_DIR'] = before_;
  });

  const cases: { name: string; file?: Uint8Array; reason: RegExp }[] = [
    { name: 'no file', reason: /^This copy of Airgap has no GPU library \(dawn\.node\) for \S+\.$/ },
    { name: 'not a binary', file: Buffer.from('not a library'.repeat(100)), reason: /^The GPU library \S+ .*\.$/ },
    {
      name: 'a binary for Windows',
      file: Buffer.from('MZ'.padEnd(4096, '\0')),
      reason: /not built for|cannot be loaded/,
    },
    { name: 'a binary for macOS', file: machO(), reason: /not built for|cannot be loaded/ },
    { name: 'an empty file', file: new Uint8Array(), reason: /damaged|cannot be loaded/ },
  ];
  for (const { name, file, reason } of cases) {
    it(`says so in one sentence: ${name}`, async () => {
      if (file) writeFileSync(join(folder, 'dawn.node'), file);
      const report = await gpuReport({ allowSoftware: true });
      assert.equal(report.usable, false);
      assert.match(report.reason, reason);
      assert.doesNotMatch(report.reason, /\n/);
    });
  }
});

describe('what the loader of the system says, in one sentence', () => {
  const file = '/airgap/dawn.node';
  const cases: [text: string, sentence: RegExp][] = [
    [`/lib/libc.so.6: version \`GLIBC_2.34' not found (required by ${file})`, /needs GLIBC_2\.34, which this system/],
    [
      'libX11.so.6: cannot open shared object file: No such file or directory',
      /needs libX11\.so\.6, which is not inst/,
    ],
    [`${file}: invalid ELF header`, /was not built for/],
    [`dlopen(${file}): tried: '${file}' (mach-o file, but is an incompatible architecture)`, /was not built for/],
    [
      `Symbol not found (built for macOS 26.0 which is newer than running OS)\n  in ${file}`,
      /needs macOS 26\.0 or newer/,
    ],
    [`\\\\?\\C:\\airgap\\dawn.node is not a valid Win32 application.`, /was not built for/],
    ['The specified module could not be found.\r\n', /Visual C\+\+ runtime, which is not installed/],
    ['something new\nwith a second line', /cannot be loaded: something new$/],
  ];
  for (const [text, sentence] of cases) {
    it(text.split('\n')[0]!, () => assert.match(loadFailure(file, text), sentence));
  }
});

/** Number of worker threads of this process. */
function openThreads(): number {
  return (process.report.getReport() as unknown as { workers: unknown[] }).workers.length;
}

function identity(ops: GpuOps): Promise<Float32Array> {
  return ops.step(() => ops.input(Float32Array.of(1, 2, 3, 4), [1, 4]));
}

function randomWeight(
  ops: GpuOps | ReferenceOps,
  shape: readonly [number, number],
  dtype: WeightDType = 'q4',
): Promise<Tensor> {
  return makeWeight(ops, randomValues(11, shape[0] * shape[1]), shape, dtype);
}

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer);
}

/** The magic number of a Mach-O library, and nothing after it. */
function machO(): Uint8Array {
  return Buffer.concat([Buffer.from([0xcf, 0xfa, 0xed, 0xfe]), Buffer.alloc(4096)]);
}
