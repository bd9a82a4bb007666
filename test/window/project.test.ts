import assert from 'node:assert/strict';
import { scriptedEngine } from '../support/extension/scriptedEngine.ts';
import { ChatPage } from './chatPage.ts';
import { VsCode } from './vscode.ts';
import { EditorWindow } from './window.ts';

const SECRET = 'a1b2c3d4e5';
const TOKEN = `ghp_${'aB3dE6gH9jK2mN5pQ8sT'.repeat(2).slice(0, 36)}`;
/** So many lines that the function behind them is a piece of its own. */
const COUNTRIES = Array.from({ length: 78 }, (_, i) => `  'country ${i}',`).join('\n');
const FILES = {
  'src/shipping.ts': `export const countries = [\n${COUNTRIES}\n];\n\n/** What a parcel costs. */\nexport function shippingCost(kilograms: number): number {\n  return 4 + 2 * weigh(kilograms);\n}\n`,
  'src/scale.ts': 'export function weigh(kilograms: number): number {\n  return Math.ceil(kilograms);\n}\n',
  'src/carrier.ts': `// The carrier of a parcel is asked for its shipping cost with this.\nexport const carrierToken = '${TOKEN}';\n`,
  'src/menu.ts': 'export const menu = ["open", "close"];\n',
  '.env': `# shipping cost of a parcel\nSHIPPING_PASSWORD=${SECRET}\n`,
};
const QUESTION = 'Where is the shipping cost of a parcel calculated?';

describe('questions about the project, in a window', () => {
  const engine = scriptedEngine([{ when: '', answer: 'In shippingCost.' }]);
  let vscode: VsCode;
  let window: EditorWindow;
  let chat: ChatPage;

  async function open(options: { workspaceTrust: boolean }): Promise<void> {
    vscode = await VsCode.start({
      files: { ...FILES, ...(options.workspaceTrust ? { 'AGENTS.md': 'Answer in Latin.\n' } : {}) },
      engine,
      settings: { 'security.workspace.trust.startupPrompt': 'never' },
      ...options,
    });
    window = await EditorWindow.open(vscode);
    if (options.workspaceTrust) await window.page.waitForSelector('[id="status.workspaceTrust"]');
    // Before it is there, the palette does not know the command.
    await window.page.waitForSelector('.statusbar-item:has-text("Airgap")');
    await window.command('Airgap: Ask');
    chat = await ChatPage.find(window.page);
    await chat.suggest('@project', /^@project /);
    await chat.press('Enter');
    await chat.awaitChips(/Project/);
    await chat.ask(QUESTION);
    await chat.awaitText(/In shippingCost\./);
    await chat.finished();
  }

  afterEach(async () => {
    await window?.[Symbol.asyncDispose]();
    await vscode?.[Symbol.asyncDispose]();
  });
  after(() => engine.remove());

  it('an answer lists what was found, as links that open file and line; secrets stay here', async () => {
    await open({ workspaceTrust: false });
    await chat.locator('.sources summary').click();
    await chat.shot('project-sources');
    const links = await chat.locator('.sources button').allInnerTexts();
    assert.equal(links[0], 'src/shipping.ts');
    assert.ok(!links.some((link) => link.includes('.env')), links.join());
    await chat.locator('.sources button').first().click();
    await window.page.waitForSelector('.tab.active[aria-label^="shipping.ts"]');
    await window.page.waitForSelector('.statusbar-item >> text=/^Ln 8[12], Col 1/');
    await chat.shot('project-opened');

    const { text } = engine.requests().at(-1)!.messages.at(-1)!;
    assert.match(text, /<file name="src\/shipping\.ts"[^>]*>\n+\/\*\* What a parcel costs/);
    assert.match(text, /export const carrierToken = '/);
    for (const secret of [SECRET, TOKEN]) assert.ok(!JSON.stringify(engine.requests()).includes(secret));
  });

  it('in a workspace that is not trusted, one sentence says that nothing is searched', async () => {
    await open({ workspaceTrust: true });
    assert.match(await chat.locator('body').innerText(), /The project can only be searched in a trusted workspace\./);
    await chat.shot('project-untrusted');
    assert.equal(engine.requests().at(-1)!.messages.at(-1)!.text, QUESTION);
    assert.doesNotMatch(await chat.said(), /AGENTS/);
  });
});
