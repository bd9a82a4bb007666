import assert from 'node:assert/strict';
import { ChatPage } from './chatPage.ts';
import { VsCode, until } from './vscode.ts';
import { EditorWindow } from './window.ts';

const QUESTION = 'How do I add two numbers in TypeScript?';

describe('the starter model, in the chat', () => {
  let vscode: VsCode;
  let window: EditorWindow;
  let chat: ChatPage;
  let answer = '';

  before(async () => {
    vscode = await VsCode.start({
      files: { 'price.ts': 'export const price = 1;\n' },
      machine: { 'airgap.chat.model': 'bundled:starter' },
      // A few answers must fit in the context of 2,048 tokens. The backend is fixed, as a GPU rounds differently.
      settings: { 'airgap.chat.maxTokens': 48, 'airgap.engine.backend': 'wasm' },
    });
    window = await EditorWindow.open(vscode);
    await window.openFile('price.ts', 1, 1);
    await window.awaitStatus(/Ready\./);
    await window.command('Airgap: Ask');
    chat = await ChatPage.find(window.page);
  });
  after(async () => {
    await window?.[Symbol.asyncDispose]();
    await vscode?.[Symbol.asyncDispose]();
  });

  /** Asks, and gives the answer's text and figures. */
  const ask = async (question: string) => {
    const said = await chat.answerTo(question);
    const found = [...said.matchAll(/([\d,]+) prompt tokens \(([\d,]+) cached\) · ([\d,]+) generated/g)].at(-1);
    assert.ok(found, said);
    const [prompt, cached, generated] = found.slice(1).map((figure) => Number(figure.replaceAll(',', '')));
    return { text: await chat.texts.last().innerText(), prompt: prompt!, cached: cached!, generated: generated! };
  };

  it('writes until it repeats itself or may not go on, and the chat says that its answers are poor', async () => {
    const { text, cached, generated } = await ask(QUESTION);
    assert.match(text, /\w/);
    answer = text;
    assert.equal(cached, 0);
    assert.ok(generated > 0 && generated <= 48, `${generated} tokens`);
    await chat.awaitText(/reached the length limit\.|began to repeat itself/);
    await chat.awaitText(/The bundled starter model can complete code, but it cannot hold a conversation/);
    await chat.shot('chat, starter model');
  });

  it('a further question computes only the tokens that are new', async () => {
    const { prompt, cached, generated } = await ask('And three?');
    // The end of the answer and the question; everything before them is in the KV cache.
    assert.ok(cached > 100 && prompt - cached < 40, `${prompt} tokens, ${cached} cached`);
    assert.ok(generated > 0 && generated <= 48, `${generated} tokens`);
  });

  it('the same question in a new chat gets the same answer, from the cache', async () => {
    await window.command('Airgap: New Chat');
    await until(async () => (await chat.texts.count()) === 0, 'the new chat is not empty');
    const { text, prompt, cached } = await ask(QUESTION);
    assert.equal(text, answer);
    assert.equal(cached, prompt - 1, 'all but the token whose logits are needed');
  });
});
