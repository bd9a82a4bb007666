import assert from 'node:assert/strict';
import { ChatPage } from './chatPage.ts';
import { VsCode } from './vscode.ts';
import { EditorWindow } from './window.ts';

describe('the model that comes with the extension, in the chat', () => {
  let vscode: VsCode;
  let window: EditorWindow;
  let chat: ChatPage;

  before(async () => {
    vscode = await VsCode.start({
      files: { 'price.ts': 'export const price = 1;\n' },
      // Of its 1,024 tokens a few answers must fit.
      settings: { 'airgap.chat.maxTokens': 48 },
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

  /** Of the last answer. */
  const figures = (said: string): number[] => {
    const found = [...said.matchAll(/([\d,]+) prompt tokens \(([\d,]+) cached\) · ([\d,]+) generated/g)].at(-1);
    assert.ok(found, said);
    return found.slice(1).map((figure) => Number(figure.replaceAll(',', '')));
  };

  it('answers in its own words, and says that they are poor', async () => {
    const [read, , written] = figures(await chat.answerTo('How do I add two numbers in TypeScript?'));
    assert.ok(read! > 50 && written! > 0);
    await chat.awaitText(/The bundled starter model can complete code, but it cannot hold a conversation/);
    await chat.shot('chat, starter model');
  });

  it('reads only what is new of a further question', async () => {
    const [read, cached, written] = figures(await chat.answerTo('And three?'));
    assert.ok(read! < 40 && cached! > 100 && written! > 0, `${read} read, ${cached} cached`);
  });
});
