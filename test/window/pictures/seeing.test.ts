/** A small model that really sees (test/fixtures/shapes), asked in a window about what is pasted; and one that is slow. */
import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { drawShape, SHAPES_FOLDER, type ShapePicture } from '../../support/engine/vision/shapes.ts';
import { tinyVisionModel } from '../../support/engine/vision/tinyVision.ts';
import { ChatPage } from '../chatPage.ts';
import { DESKTOP, VsCode } from '../vscode.ts';
import { EditorWindow } from '../window.ts';

/** An image encoder that takes a second or more for each of its 17 crops, most of which goes into attention. */
const SLOW_ENCODER = {
  image_dim_out: 64,
  model_name: 'openai/clip-vit-large-patch14-336',
  name: 'clip_vision_model',
  num_img_tokens: 144,
  tiny_num_attention_heads: 1,
  tiny_num_hidden_layers: 150,
  tiny_intermediate_size: 64,
};

describe('a model that sees, in a window', () => {
  const slow = tinyVisionModel({ img_processor: SLOW_ENCODER }).json('preprocessor_config.json', { num_crops: 16 });
  let vscode: VsCode;
  let window: EditorWindow;
  let chat: ChatPage;

  before(async function () {
    if (DESKTOP) {
      console.log('    skipped: the clipboard of a desktop belongs to its user');
      return this.skip();
    }
    vscode = await VsCode.start({
      files: { 'price.ts': 'export const price = 1;\n' },
      machine: { 'airgap.chat.model': resolve(SHAPES_FOLDER) },
      settings: { 'airgap.chat.temperature': 0 },
    });
    window = await EditorWindow.open(vscode);
    await window.page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  });
  beforeEach(async () => {
    await window.command('Airgap: New Chat');
    chat = await ChatPage.find(window.page);
  });
  after(async () => {
    await window?.[Symbol.asyncDispose]();
    await vscode?.[Symbol.asyncDispose]();
    slow.remove();
  });

  /** Puts a picture of a square into the clipboard, and pastes it. */
  const paste = async (shown: Pick<ShapePicture, 'colour' | 'place'>): Promise<void> => {
    const thumbnails = chat.locator('.composer .thumbnail');
    const before = await thumbnails.count();
    await window.page.evaluate(
      async (bytes) => {
        const blob = new Blob([new Uint8Array(bytes)], { type: 'image/png' });
        await navigator.clipboard.write([new ClipboardItem({ 'image/png': blob })]);
      },
      [...drawShape({ width: 600, height: 600, shape: 'square', ...shown })],
    );
    await chat.composer.click();
    await window.press('Control+v');
    await thumbnails.nth(before).waitFor();
  };

  const hears = async (question: string, answer: string): Promise<void> => {
    await chat.ask(question);
    await chat.awaitText(new RegExp(`${question.replace('?', '\\?')}[^]*Airgap\\s+${answer}\\s`));
    await chat.finished();
  };

  for (const { colour, place } of [
    { colour: 'red', place: 'left' },
    { colour: 'green', place: 'top' },
  ] as const) {
    it(`names the colour and the place of a ${colour} square, ${place}, and answers a further question`, async () => {
      await paste({ colour, place });
      await hears('What colour is the shape?', colour);
      await hears('Where is it?', place);
      await chat.shot(`seeing, ${colour}`);
    });
  }

  it('of two pictures looks at the one that is asked about', async () => {
    await paste({ colour: 'red', place: 'left' });
    await paste({ colour: 'blue', place: 'top' });
    await hears('What colour is the shape in the second picture?', 'blue');
    await hears('Where is the shape in the second picture?', 'top');
    await hears('What colour is the shape in the first picture?', 'red');
    await hears('Where is the shape in the first picture?', 'left');
    await chat.shot('seeing, two pictures');
  });

  it('is stopped during a crop, and answers the next question', async () => {
    vscode.configure({ 'airgap.chat.model': slow.path });
    await paste({ colour: 'red', place: 'left' });
    await chat.ask('What is it?');
    await chat.awaitText(/Looking at the picture: crop [2-9] of 17/);
    // What the page says from the click on, in its order.
    const heard = await chat.locator('main').evaluateHandle((main) => {
      const said: string[] = [];
      const stopped = new Promise<string[]>((resolve) => {
        const look = (): void => {
          const [now] = /crop \d+ of 17|Stopped\./.exec((main as HTMLElement).innerText) ?? [];
          if (now && now !== said.at(-1)) said.push(now);
          if (now === 'Stopped.') resolve(said);
        };
        const listen = (): void => {
          look();
          new MutationObserver(look).observe(main, { subtree: true, childList: true, characterData: true });
        };
        document.addEventListener('click', listen, { capture: true, once: true });
      });
      return { stopped };
    });
    await chat.button('Stop').click();
    const said = await heard.evaluate(({ stopped }) => stopped);
    assert.ok(said.length <= 3, `another crop was computed: ${said.join(', ')}`);
    await chat.shot('seeing, stopped');
    await window.command('Airgap: New Chat');
    await chat.texts.first().waitFor({ state: 'detached' });
    await chat.answerTo('Anything else?');
  });
});
