/** A row of a step has the same numbers whatever rows stand beside it. */
import { textPrompt } from '../../../engine/prompt/prompt.ts';
import { ReferenceOps } from '../../../kernels/reference/referenceOps.ts';
import { assertWithin } from '../../support/close.ts';
import { backends, type TestBackend } from '../../support/engine/backends.ts';
import { TinySessions } from '../../support/engine/tinySessions.ts';

const ids = (count: number): number[] => Array.from({ length: count }, (_, i) => (i * 31 + 7) % 128);

describe('a row of a step', function () {
  this.timeout(60_000);
  const reference: TestBackend = {
    name: 'reference',
    create: async () => new ReferenceOps(),
    quantizesActivations: false,
  };
  // A GPU rounds otherwise where a tile of rows shares its keys.
  const TOLERANCE = { f32: 1e-4, f16: 5e-3, q8: 0.1 } as const;
  for (const backend of [reference, ...backends]) {
    for (const kv of ['f32', 'f16', 'q8'] as const) {
      it(`${backend.name}, KV ${kv}: is as if it were alone`, async function () {
        const ops = await backend.create();
        if ('skip' in ops) {
          console.log(`      skipped: ${ops.skip}`);
          return this.skip();
        }
        const tiny = await TinySessions.create({ ops, kv });
        const rows = async (chunkTokens: number): Promise<Float32Array> => {
          const session = tiny.session();
          await session.prefill(textPrompt(ids(56)));
          const { values } = await session.run(textPrompt(ids(80)), { output: 'logits', last: 24, chunkTokens });
          await session.dispose();
          return values;
        };
        const alone = await rows(1);
        for (const count of [2, 3, 4, 5, 8]) {
          assertWithin(await rows(count), alone, backend.name === 'webgpu' ? TOLERANCE[kv] : 0, `${count} rows`);
        }
        await tiny.dispose();
      });
    }
  }
});
