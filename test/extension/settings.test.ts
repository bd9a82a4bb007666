import assert from 'node:assert/strict';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Config } from '../../extension/config.ts';
import {
  anyLanguageEnabled,
  expandHome,
  languageEnabled,
  modelOf,
  readSettings,
  showsOtherFiles,
  withLanguage,
} from '../../extension/settings.ts';
import { fake } from '../support/extension/vscodeStub.ts';

describe('settings', () => {
  const bad: [key: string, value: unknown][] = [
    ['enable', true],
    ['enable', { typescript: 'yes' }],
    ['completion.delayMs', -1],
    ['completion.delayMs', '75'],
    ['completion.maxTokens', 1.5],
    ['completion.multiline', 'sometimes'],
    ['files.exclude', '*.env'],
    ['completion.model', 'models/phi-3'],
    ['chat.model', 'phi-3.gguf'],
    ['engine.backend', 'cuda'],
    ['engine.nodePath', './node'],
    ['engine.diskCacheGigabytes', -1],
  ];
  for (const [key, value] of bad) {
    it(`${key} = ${JSON.stringify(value)} counts as the default, with one sentence`, () => {
      const { settings, problems } = readSettings((asked) => (asked === key ? value : undefined));
      assert.deepEqual(settings, readSettings(() => undefined).settings);
      assert.equal(problems.length, 1);
      assert.match(problems[0]!, new RegExp(`^The setting airgap\\.${key} is ignored: .+\\.$`));
    });
  }

  const renamed: [stored: Record<string, unknown>, excluded: string[]][] = [
    [{ 'files.exclude': ['*.key'] }, ['*.key']],
    [{ 'completion.exclude': ['*.pem'] }, ['*.pem']],
    [{ 'files.exclude': ['*.key'], 'completion.exclude': ['*.pem'] }, ['*.key']],
    [{ 'files.exclude': [], 'completion.exclude': ['*.pem'] }, []],
    [{}, readSettings(() => undefined).settings['files.exclude']],
  ];
  for (const [stored, excluded] of renamed) {
    it(`${JSON.stringify(stored)} excludes ${excluded.join(', ') || 'nothing'}`, () => {
      const { settings, problems } = readSettings(
        (key) => stored[key],
        (key) => Object.hasOwn(stored, key),
      );
      assert.deepEqual([settings['files.exclude'], problems], [excluded, []]);
      fake.settings = Object.fromEntries(Object.entries(stored).map(([key, value]) => [`airgap.${key}`, value]));
      const config = new Config(assert.fail);
      assert.deepEqual(config.settings['files.exclude'], excluded);
      config.dispose();
      fake.settings = {};
    });
  }

  const small = 'bundled:SmolLM2-135M-Instruct';
  const starter = 'bundled:starter';
  for (const [stored, completion, chat] of [
    [{}, small, small],
    [{ 'chat.model': '', 'completion.model': '' }, small, small],
    [{ 'completion.model': '/c' }, '/c', '/c'],
    [{ 'completion.model': starter }, starter, small],
    [{ 'completion.model': '/c', 'chat.model': small }, '/c', small],
    [{ 'chat.model': '/a' }, small, '/a'],
    [{ 'chat.model': starter }, small, starter],
    [{ 'model.folder': '/old' }, '/old', '/old'],
  ] as const) {
    it(`${JSON.stringify(stored)}, and the small chat model is here: ${completion} and ${chat}`, () => {
      const read = new Map<string, string>(Object.entries(stored));
      const { settings, problems } = readSettings(
        (key) => read.get(key),
        (key) => read.has(key),
        () => small,
      );
      assert.deepEqual([modelOf(settings, 'completion'), modelOf(settings, 'chat'), problems], [completion, chat, []]);
    });
  }

  const models: [stored: Record<string, string>, completion: string, chat: string][] = [
    [{}, starter, starter],
    [{ 'completion.model': '/c' }, '/c', '/c'],
    [{ 'chat.model': '/a.gguf' }, starter, '/a.gguf'],
    [{ 'completion.model': '/c', 'chat.model': '~/a' }, '/c', join(homedir(), 'a')],
    [{ 'model.folder': '/old' }, '/old', '/old'],
    [{ 'model.folder': '/old', 'completion.model': '/c' }, '/c', '/old'],
    [{ 'model.folder': '/old', 'chat.model': '/a' }, '/old', '/a'],
    [{ 'model.folder': '/old', 'completion.model': '', 'chat.model': '' }, starter, starter],
  ];
  for (const [stored, completion, chat] of models) {
    it(`${JSON.stringify(stored)}: completions by "${completion}", chat by "${chat}"`, () => {
      const { settings, problems } = readSettings(
        (key) => stored[key],
        (key) => Object.hasOwn(stored, key),
      );
      assert.deepEqual([modelOf(settings, 'completion'), modelOf(settings, 'chat'), problems], [completion, chat, []]);
    });
  }

  for (const [model, set, shown] of [
    [small, null, true],
    [`/store/${small.slice(8)}.Q4_1.gguf`, null, true],
    [starter, null, false],
    ['/phi-3.gguf', null, false],
    [small, false, false],
    [starter, true, true],
  ] as const) {
    it(`completion.otherFiles = ${set} with ${model}: ${shown ? 'shown' : 'not shown'}`, () => {
      const stored: Record<string, unknown> = { 'completion.model': model, 'completion.otherFiles': set };
      assert.equal(showsOtherFiles(readSettings((key) => stored[key]).settings), shown);
    });
  }

  it('a former name of two settings that is not valid is named once', () => {
    const stored: Record<string, string> = { 'model.folder': 'models/phi-3' };
    const { problems } = readSettings(
      (key) => stored[key],
      (key) => key in stored,
    );
    assert.deepEqual(problems, ['The setting airgap.model.folder is ignored: must be an absolute path.']);
  });

  it('a former name that is not valid is named as it was written', () => {
    const stored: Record<string, unknown> = { 'completion.exclude': '*.pem' };
    const { problems } = readSettings(
      (key) => stored[key],
      (key) => key in stored,
    );
    assert.match(problems.join(), /^The setting airgap\.completion\.exclude is ignored: /);
  });

  const maps: [enable: Record<string, boolean>, languageId: string, one: boolean, any: boolean][] = [
    [{}, 'rust', true, true],
    [{ '*': true }, 'rust', true, true],
    [{ '*': true, markdown: false }, 'markdown', false, true],
    [{ '*': false }, 'rust', false, false],
    [{ '*': false, rust: true }, 'rust', true, true],
    [{ '*': false, rust: false }, 'rust', false, false],
  ];
  for (const [enable, languageId, one, any] of maps) {
    it(`${JSON.stringify(enable)}: ${languageId} is ${one ? 'on' : 'off'}`, () => {
      assert.equal(languageEnabled(enable, languageId), one);
      assert.equal(anyLanguageEnabled(enable), any);
    });
  }

  it('turning off and on', () => {
    assert.deepEqual(withLanguage({ '*': true }, 'rust', false), { '*': true, rust: false });
    const off = withLanguage({ '*': true, rust: true, markdown: false }, '*', false);
    assert.equal(anyLanguageEnabled(off), false);
    const on = withLanguage(off, '*', true);
    assert.deepEqual([languageEnabled(on, 'go'), languageEnabled(on, 'markdown')], [true, false]);
  });

  it('~ is the home directory', () => {
    assert.equal(expandHome('~/models/phi-3'), join(homedir(), 'models/phi-3'));
    assert.deepEqual(readSettings((key) => (key === 'chat.model' ? '~/m' : undefined)).problems, []);
    assert.equal(expandHome('/~/x'), '/~/x');
  });
});
