import assert from 'node:assert/strict';
import { join } from 'node:path';
import { PeakWatch } from '../../../engine/cli/bench/watches.ts';
import { BadRequest, Cancelled } from '../../../engine/errors.ts';
import { cutIntoCrops } from '../../../engine/vision/crops.ts';
import { PictureCutter } from '../../../engine/vision/cutter.ts';
import { identifyPicture } from '../../../engine/vision/pictureFile.ts';
import { decodePng } from '../../../engine/vision/png.ts';
import { TinyFolder } from '../../support/engine/tinyModel.ts';
import { pictureMemory } from '../../support/engine/vision/cases.ts';
import { pngFile } from '../../support/engine/vision/pngFile.ts';
import { noisyPng } from '../../support/engine/vision/tinyVision.ts';

describe('the thread that cuts pictures', function () {
  this.timeout(60_000);
  let folder: TinyFolder;
  const png = noisyPng(400, 300, 1);
  before(() => {
    folder = new TinyFolder().file('a.png', png);
  });
  const cutter = new PictureCutter();
  after(async () => {
    await cutter.dispose();
    folder.remove();
  });
  const request = async (name: string, mostCrops = 4) => {
    return { ...(await identifyPicture(join(folder.path, name))), mostCrops };
  };

  it('gives the patches of all crops', async () => {
    const patches = await cutter.cut(await request('a.png'));
    assert.deepEqual(patches, cutIntoCrops(pictureMemory(), decodePng(png, 'a.png'), 4));
  });

  it('leaves the event loop to others', async () => {
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    await cutter.cut(await request('a.png', 16));
    clearInterval(timer);
    assert.ok(turns > 5, `${turns} turns`);
  });

  it('stops at once', async () => {
    const stop = new AbortController();
    const cutting = cutter.cut(await request('a.png'), stop.signal);
    stop.abort();
    await assert.rejects(cutting, Cancelled);
    await assert.rejects(cutter.cut(await request('a.png'), stop.signal), Cancelled);
  });

  it('refuses a file that is damaged, or was changed meanwhile', async () => {
    folder.file('b.png', png.slice(0, 5000)).file('c.png', png);
    await assert.rejects(
      cutter.cut(await request('b.png')),
      new BadRequest('b.png is a damaged PNG file: it was cut off.'),
    );
    const changed = await request('c.png');
    folder.file('c.png', noisyPng(400, 300, 2));
    await assert.rejects(cutter.cut(changed), new BadRequest('c.png was changed while it was read.'));
  });

  it('works with the same thread until it is disposed, and then with another', async () => {
    const once = await cutter.cut(await request('a.png'));
    assert.deepEqual(await cutter.cut(await request('a.png')), once);
    await cutter.dispose();
    assert.deepEqual(await cutter.cut(await request('a.png')), once);
  });

  it('takes little more memory than the samples of the largest picture that is read', async () => {
    const [width, height] = [10_000, 10_000];
    folder.file('large.png', pngFile({ width, height, type: 2, depth: 8 }, new Uint8Array((3 * width + 1) * height)));
    const large = await request('large.png', 16);
    const peak = new PeakWatch();
    await cutter.cut(large);
    peak.stop();
    assert.ok(peak.bytes > 3 * width * height, `${peak.bytes} bytes: the picture was not seen`);
    assert.ok(peak.bytes < 4.5 * width * height, `${peak.bytes} bytes`);
  });
});
