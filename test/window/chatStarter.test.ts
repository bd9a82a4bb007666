import assert from 'node:assert/strict';
import { ChatPage } from './chatPage.ts';
import { VsCode, until } from './vscode.ts';
import { EditorWindow } from './window.ts';

const QUESTION = 'How do I add two numbers in TypeScript?';
/** The model cannot converse, but at temperature 0 it always says this, with relaxed and with plain SIMD. */
const ANSWER = `ts\nIts end may be missing.\n${'import { Channel } from "@effect/ai"\n'.repeat(3)}import { Channel } from "@effect`;

describe('the starter model, in the chat', () => {
  let vscode: VsCode;
  let window: EditorWindow;
  let chat: ChatPage;

  before(async () => {
    vscode = await VsCode.start({
      files: { 'price.ts': 'export const price = 1;\n' },
      machine: { 'airgap.chat.model': 'bundled:starter' },
      // A few answers must fit in the context of 1,024 tokens. The backend is fixed, as a GPU rounds differently.
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

  it('writes what it writes, up to the length limit, and the chat says that its answers are poor', async () => {
    const { text, cached, generated } = await ask(QUESTION);
    assert.equal(text, ANSWER);
    assert.deepEqual([cached, generated], [0, 48]);
    await chat.awaitText(/The answer reached the length limit\./);
    await chat.awaitText(/The bundled starter model can complete code, but it cannot hold a conversation/);
    await chat.shot('chat, starter model');
  });

  it('a further question computes only the tokens that are new', async () => {
    const { prompt, cached, generated } = await ask('And three?');
    // The end of the answer and the question; everything before them is in the KV cache.
    assert.ok(cached > 100 && prompt - cached < 40, `${prompt} tokens, ${cached} cached`);
    assert.equal(generated, 48);
  });

  it('the same question in a new chat gets the same answer, from the cache', async () => {
    await window.command('Airgap: New Chat');
    await until(async () => (await chat.texts.count()) === 0, 'the new chat is not empty');
    const { text, prompt, cached } = await ask(QUESTION);
    assert.equal(text, ANSWER);
    assert.equal(cached, prompt - 1, 'all but the token whose logits are needed');
  });
});
