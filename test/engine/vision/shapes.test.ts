import assert from 'node:assert/strict';
import { join } from 'node:path';
import { answerChat } from '../../../engine/chat/answer.ts';
import { loadModel } from '../../../engine/load/loadModel.ts';
import type { LoadedModel } from '../../../engine/load/loadedModel.ts';
import { textTurn } from '../../../engine/wire/chatTurns.ts';
import type { Backend, ChatTurn } from '../../../engine/wire/protocol.ts';
import { TinyFolder } from '../../support/engine/tinyModel.ts';
import { drawShape, SHAPES_FOLDER, type ShapePicture } from '../../support/engine/vision/shapes.ts';

const PICTURES: readonly ShapePicture[] = [
  { width: 400, height: 300, shape: 'square', colour: 'red', place: 'left' },
  { width: 400, height: 300, shape: 'circle', colour: 'blue', place: 'right' },
  { width: 640, height: 480, shape: 'triangle', colour: 'green', place: 'top' },
  { width: 1920, height: 1080, shape: 'square', colour: 'orange', place: 'left', background: 30 },
  { width: 300, height: 400, shape: 'circle', colour: 'yellow', place: 'bottom', background: 0 },
  { width: 640, height: 640, shape: 'square', colour: 'purple', place: 'middle' },
  { width: 90, height: 70, shape: 'circle', colour: 'red', place: 'right', background: 246 },
  { width: 1000, height: 700, shape: 'triangle', colour: 'yellow', place: 'middle', background: 30 },
  { width: 800, height: 600, shape: 'square', colour: 'blue', place: 'bottom' },
  { width: 500, height: 600, shape: 'circle', colour: 'green', place: 'top' },
];

/** test/fixtures/shapes: a small phi-3-vision that was trained to answer such questions. */
describe('a model that sees names the colour and the place of a shape', function () {
  this.timeout(120_000);
  let folder: TinyFolder;
  let model: LoadedModel;
  const fileOf = (picture: ShapePicture): string => {
    const name = `${Object.values(picture).join(' ')}.png`;
    return join(folder.file(name, drawShape(picture)).path, name);
  };
  const user = (pictures: readonly ShapePicture[], text: string): ChatTurn => {
    const shown = pictures.map((picture) => ({ type: 'image' as const, file: fileOf(picture) }));
    return { role: 'user', content: [...shown, { type: 'text', text }] };
  };

  before(async () => {
    folder = new TinyFolder();
    model = await open('wasm');
  });
  after(async () => {
    await model?.dispose();
    folder.remove();
  });

  for (const picture of PICTURES) {
    const { width, height, shape, colour, place } = picture;
    it(`a ${colour} ${shape}, ${place}, in ${width} x ${height}`, async () => {
      assert.equal(await answer(model, [user([picture], 'What colour is the shape?')]), colour);
      assert.equal(await answer(model, [user([picture], `Where is the ${shape}?`)]), place);
    });
  }

  it('in a whole sentence', async () => {
    const said = await answer(model, [user([PICTURES[0]!], 'What is in this picture?')]);
    assert.equal(said, 'a red shape on the left');
  });

  it('in a second question about the same picture', async () => {
    const [picture] = PICTURES;
    const asked = [user([picture!], 'What colour is it?'), textTurn('assistant', picture!.colour)];
    assert.equal(await answer(model, [...asked, textTurn('user', 'Where is it?')]), picture!.place);
  });

  for (const [i, first] of PICTURES.entries()) {
    const second = PICTURES[(i + 3) % PICTURES.length]!;
    it(`of two pictures the right one: ${first.colour}, ${first.place}; ${second.colour}, ${second.place}`, async () => {
      for (const [text, want] of [
        ['What colour is the shape in the second picture?', second.colour],
        ['Where is the shape in the second picture?', second.place],
        ['What colour is the shape in the first picture?', first.colour],
        ['Where is the shape in the first picture?', first.place],
      ] as const)
        assert.equal(await answer(model, [user([first, second], text)]), want, text);
    });
  }

  for (const backend of ['reference', 'webgpu'] as const) {
    it(`on ${backend} too`, async () => {
      const other = await open(backend);
      try {
        const [picture] = PICTURES;
        assert.equal(await answer(other, [user([picture!], 'What colour is the shape?')]), picture!.colour);
      } finally {
        await other.dispose();
      }
    });
  }
});

function open(backend: Backend): Promise<LoadedModel> {
  return loadModel(SHAPES_FOLDER, { backend, contextLength: 4096, allowSoftwareGpu: true });
}

/** The most likely tokens. */
async function answer(model: LoadedModel, messages: ChatTurn[]): Promise<string> {
  const session = model.createSession();
  let text = '';
  const request = { sessionId: '', messages, maxTokens: 16, sampling: { temperature: 0, seed: 1 } };
  await answerChat(model, session, request, new AbortController().signal, (part) => {
    if (part.type === 'text') text += part.text;
  });
  await session.dispose();
  return text;
}
