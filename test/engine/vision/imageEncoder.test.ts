import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Cancelled } from '../../../engine/errors.ts';
import { PRIORITY, Scheduler } from '../../../engine/inference/scheduler.ts';
import type { LoadedModel } from '../../../engine/load/loadedModel.ts';
import { loadModel } from '../../../engine/load/loadModel.ts';
import { MemoryLedger } from '../../../engine/load/memoryLedger.ts';
import type { ImageTower } from '../../../engine/models/decoder.ts';
import { type EncodeOptions, ImageEncoder } from '../../../engine/vision/imageEncoder.ts';
import { identifyPicture } from '../../../engine/vision/pictureFile.ts';
import { type Ops, OutOfMemory } from '../../../kernels/ops.ts';
import type { TinyFolder } from '../../support/engine/tinyModel.ts';
import { noisyPng, tinyVisionModel } from '../../support/engine/vision/tinyVision.ts';

describe('the image encoder', function () {
  this.timeout(60_000);
  const [one, two] = [{}, {}];
  const ledger = new MemoryLedger();
  let folder: TinyFolder;
  let model: LoadedModel;
  before(async () => {
    folder = tinyVisionModel()
      .file('a.png', noisyPng(40, 40, 1))
      .file('b.png', noisyPng(40, 40, 2));
    model = await loadModel(folder.path, { backend: 'wasm', threads: 1, contextLength: 1024, ledger });
  });
  afterEach(() => model.images!.dispose());
  after(async () => {
    await model.dispose();
    folder.remove();
  });

  const see = async (name: string, holder: object, options: Partial<EncodeOptions> = {}) => {
    const picture = await identifyPicture(join(folder.path, name));
    return model.images!.encode(picture, { holder, mostCrops: 1, priority: PRIORITY.chat, ...options });
  };

  it('is loaded for the first picture and unloaded with the last', async () => {
    const images = model.images!;
    assert.equal(images.bytesHeld, 0);
    await Promise.all([see('a.png', one), see('b.png', two)]);
    assert.ok(images.bytesHeld > 0);
    await images.release(one);
    assert.ok(images.bytesHeld > 0);
    await images.release(two);
    assert.equal(images.bytesHeld, 0);
  });

  it('computes a picture once that two ask for', async () => {
    let crops = 0;
    const onCrop = (): void => void crops++;
    const images = await Promise.all([see('a.png', one, { onCrop }), see('a.png', two, { onCrop })]);
    assert.deepEqual(images[0], images[1]);
    assert.equal(crops, 2);
  });

  it('gives its memory to others between pictures, and keeps what it has seen', async () => {
    const image = await see('a.png', one);
    assert.equal(await model.images!.unloadTower(), true);
    assert.deepEqual([model.images!.bytesHeld, model.images!.knows(image)], [0, true]);
    assert.equal(await model.images!.unloadTower(), false);
    await see('b.png', one);
    assert.ok(model.images!.bytesHeld > 0);
  });

  it('holds nothing behind a picture that was stopped, also one that waited for another', async () => {
    const stop = new AbortController();
    const options = { holder: one, mostCrops: 1, priority: PRIORITY.chat, signal: stop.signal };
    // Identified before, so that they are asked for in this order.
    const pictures = await Promise.all(['a.png', 'b.png'].map((name) => identifyPicture(join(folder.path, name))));
    const first = model.images!.encode(pictures[0]!, { ...options, onCrop: () => stop.abort() });
    const second = model.images!.encode(pictures[1]!, options);
    await Promise.all([first, second].map((each) => assert.rejects(each, Cancelled)));
    await model.images!.dispose();
    assert.deepEqual([model.images!.bytesHeld, model.images!.holdsAny], [0, false]);
  });

  it('answers a stop at once, and frees the weights when the last crop has ended', async () => {
    const events: string[] = [];
    let endCrop = (): void => {};
    const crop = new Promise<Float32Array>((resolve) => (endCrop = () => resolve(new Float32Array(144))));
    const stop = new AbortController();
    const steps = [
      async () => new Float32Array(2),
      async () => {
        stop.abort();
        return crop;
      },
      () => assert.fail('another crop was begun'),
    ];
    const ops = { step: () => steps.shift()!(), dispose: async () => void events.push('freed') } as unknown as Ops;
    const tower = { prepare: async () => {} } as unknown as ImageTower;
    const decoder = { setImage: () => events.push('kept'), forgetImage: () => {} };
    const encoder = new ImageEncoder(async () => ({ ops, tower }), decoder, new Scheduler(), 1, 1);
    const picture = await identifyPicture(join(folder.path, 'a.png'));
    const encoding = encoder.encode(picture, {
      holder: one,
      mostCrops: 1,
      priority: PRIORITY.chat,
      signal: stop.signal,
    });
    await assert.rejects(encoding, Cancelled);
    events.push('stopped');
    endCrop();
    await encoder.dispose();
    assert.deepEqual(events, ['stopped', 'freed']);
  });

  it('says with numbers that there is too little memory for it', async () => {
    const leave = ledger.enter(() => Infinity);
    await assert.rejects(see('a.png', one), (error: Error) => {
      return (
        error instanceof OutOfMemory &&
        /^Seeing a picture takes [\d.]+ MB of memory, but 0 MB are free;/.test(error.message)
      );
    });
    leave();
    await see('a.png', one);
  });
});
