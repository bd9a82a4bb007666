import assert from 'node:assert/strict';
import { ChatPage } from './chatPage.ts';
import { VsCode, until } from './vscode.ts';
import { EditorWindow } from './window.ts';

/** SmolLM2-135M-Instruct as GGUF, as it is published; never committed (.ci/chatModel.ts). */
const MODEL = process.env.AIRGAP_SMOLLM2;

describe('a real model in the chat', () => {
  let vscode: VsCode;
  let window: EditorWindow;
  let chat: ChatPage;

  before(async function () {
    if (!MODEL) {
      console.log('    skipped: AIRGAP_SMOLLM2 does not name the GGUF file of SmolLM2-135M-Instruct');
      this.skip();
    }
    vscode = await VsCode.start({
      files: { 'strings.py': 'def reverse(text):\n    pass\n' },
      machine: { 'airgap.completion.model': 'bundled:starter', 'airgap.chat.model': MODEL },
      // A GPU rounds differently.
      settings: { 'airgap.engine.backend': 'wasm' },
    });
    window = await EditorWindow.open(vscode);
    await window.openFile('strings.py', 1, 1);
    await window.command('Airgap: Ask');
    chat = await ChatPage.find(window.page);
  });
  beforeEach(async () => {
    await window.command('Airgap: New Chat');
    await until(async () => (await chat.texts.count()) === 0, 'the new conversation is not empty');
    await chat.removeChip('strings.py');
  });
  after(async () => {
    await window?.[Symbol.asyncDispose]();
    await vscode?.[Symbol.asyncDispose]();
  });

  it('answers, streams, and ends by itself', async () => {
    await chat.ask('Write a Python function that reverses a string.');
    const seen: string[] = [];
    await until(async () => {
      const text = (await chat.texts.count()) > 1 ? await chat.texts.last().innerText() : '';
      if (text !== '' && text !== seen.at(-1)) seen.push(text);
      return seen.length > 0 && (await chat.button('Stop').count()) === 0;
    }, 'no answer came');
    assert.ok(seen.length > 3, `the answer came in ${seen.length} steps`);
    const said = await chat.finished();
    assert.match(said, /def \w+\(\w+\):\n\s+return \w+\[::-1\]/);
    assert.doesNotMatch(said, /<\|im_|length limit|repeat itself/);
    await chat.shot('chat, real model');
    if (process.env.AIRGAP_SHOTS) await window.page.screenshot({ path: 'media/chat.png' });
  });

  it('stops where it is told to', async () => {
    // Not a question, whose answer would end behind two sentences.
    await chat.ask('Write a long text about how a computer works.');
    const length = async () => ((await chat.texts.count()) > 1 ? (await chat.texts.last().innerText()).length : 0);
    await until(async () => (await length()) > 40, 'no answer came');
    await chat.button('Stop').click();
    await chat.awaitText(/Stopped\./);
    const stopped = await chat.texts.last().innerText();
    await chat.button('Continue').click();
    await until(async () => (await chat.texts.last().innerText()).length > stopped.length, 'it did not go on');
    assert.ok((await chat.texts.last().innerText()).startsWith(stopped.trimEnd()));
    await chat.button('Stop').click();
    await chat.awaitText(/Stopped\./);
  });

  it('stands beside the model of the completions, in one process', async () => {
    const status = await window.awaitStatus(/Chat model/);
    assert.match(status, /Ready\. Model: starter\. [^]*Chat model: SmolLM2/i);
    assert.equal((await vscode.engines()).length, 1);
  });
});
