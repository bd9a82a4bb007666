import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { commandTable } from '../../extension/commandTable.ts';
import { menuLines } from '../../extension/status/menu.ts';
import { translatedTexts } from '../support/extension/translatedTexts.ts';
import { FORMER_NAMES, readSettings, type SettingKey, SETTINGS } from '../../extension/settings.ts';

const read = (path: string): string => readFileSync(path, 'utf8');
const json = <T>(path: string): T => JSON.parse(read(path)) as T;

interface Property {
  type: string;
  default: unknown;
  scope: string;
  enum?: string[];
  markdownDeprecationMessage?: string;
  minimum?: number;
  maximum?: number;
}
interface Manifest {
  main: string;
  extensionKind: string[];
  activationEvents: string[];
  capabilities: {
    untrustedWorkspaces: { supported: string; restrictedConfigurations: string[] };
    virtualWorkspaces: boolean;
  };
  contributes: {
    commands: { command: string }[];
    keybindings: { command: string; key: string; when: string }[];
    configuration: { properties: Record<string, Property> }[];
    walkthroughs: { steps: { media: { markdown?: string; image?: string }; description: string }[] }[];
  };
}

const manifest = json<Manifest>('package.json');
const { contributes, capabilities } = manifest;
const properties = Object.assign({}, ...contributes.configuration.map((part) => part.properties)) as Record<
  string,
  Property
>;
const commands = contributes.commands.map(({ command }) => command);

describe('package.json', () => {
  it('declares exactly the commands of the table', () => {
    assert.deepEqual(Object.keys(commandTable({} as never)).sort(), commands.toSorted());
  });

  it('names only commands that exist, in keybindings, menu and walkthrough', () => {
    const states = [{ kind: 'disabled' }, { kind: 'off' }, { kind: 'snoozed', until: 0 }] as const;
    const { settings } = readSettings(() => undefined);
    const where = { place: '', sent: '', goes: '' };
    const menus = ['', 'https://gpu.example'].flatMap((url) =>
      states.flatMap((state) =>
        menuLines(state, { settings: { ...settings, 'remote.url': url }, languageId: 'rust', where }),
      ),
    );
    const inMenu = menus.map(({ command }) => command);
    const inSteps = contributes.walkthroughs.flatMap(({ steps }) => steps.map(({ description }) => description));
    const inTexts = [...read('package.nls.json').matchAll(/command:(airgap\.\w+)/g)].map((match) => match[1]!);
    assert.ok(inSteps.length > 0 && inTexts.length > 0);
    const bound = contributes.keybindings
      .map(({ command }) => command)
      .filter((command) => !command.startsWith('editor.'));
    for (const command of [...inMenu, ...inTexts, ...bound]) {
      assert.ok(commands.includes(command), command);
    }
  });

  it('declares exactly the settings that are read, with their defaults', () => {
    const current = Object.entries(properties).filter(([, property]) => !property.markdownDeprecationMessage);
    const declared = Object.fromEntries(current.map(([key, property]) => [key, property.default]));
    const used = Object.fromEntries(
      Object.entries(SETTINGS).map(([key, setting]) => [`airgap.${key}`, setting.parse(undefined)]),
    );
    assert.deepEqual(declared, used);
  });

  it('declares former names as deprecated, with the same type', () => {
    const deprecated = Object.keys(properties).filter((key) => properties[key]!.markdownDeprecationMessage);
    assert.deepEqual(
      deprecated,
      [...new Set(Object.values(FORMER_NAMES))].map((former) => `airgap.${former}`),
    );
    for (const [key, former] of Object.entries(FORMER_NAMES)) {
      const [now, before] = [properties[`airgap.${key}`]!, properties[`airgap.${former}`]!];
      assert.deepEqual([before.type, before.default], [now.type, undefined]);
      assert.ok(Object.hasOwn(SETTINGS, key));
    }
  });

  it('allows exactly the values that are valid', () => {
    for (const key of Object.keys(SETTINGS) as SettingKey[]) {
      const property = properties[`airgap.${key}`]!;
      const isValid = (value: unknown): boolean => SETTINGS[key].safeParse(value).success;
      for (const value of property.enum ?? []) assert.ok(isValid(value), `${key}: ${value}`);
      if (property.enum) assert.ok(!isValid('no such value'), key);
      const { minimum, maximum } = property;
      if (minimum === undefined || maximum === undefined) continue;
      const verdicts = [minimum - 1, minimum, maximum, maximum + 1].map(isValid);
      assert.deepEqual(verdicts, [false, true, true, false], key);
    }
  });

  it('keybindings are chords with a condition, but for the key that other assistants use for the same', () => {
    for (const { command, key, when } of contributes.keybindings) {
      if (command === 'editor.action.inlineSuggest.trigger') assert.equal(key, 'alt+\\');
      else assert.match(key, /^ctrl\+k ctrl\+alt\+\w$/);
      assert.match(when, /^(editorTextFocus|!?terminalFocus)\b/);
    }
  });

  it('works in untrusted, virtual and remote workspaces, where no workspace chooses what runs', () => {
    assert.deepEqual(manifest.extensionKind, ['ui', 'workspace']);
    assert.equal(capabilities.virtualWorkspaces, true);
    assert.equal(capabilities.untrustedWorkspaces.supported, 'limited');
    const engineSettings = Object.keys(properties).filter((key) =>
      /^airgap\.((completion|chat)\.model|(model|engine|store|download|pictures|remote)\..*)$/.test(key),
    );
    assert.deepEqual(capabilities.untrustedWorkspaces.restrictedConfigurations.toSorted(), engineSettings.sort());
    for (const key of [
      'completion.model',
      'chat.model',
      'engine.nodePath',
      'store.folder',
      'store.sharedFolder',
      'download.address',
      'pictures.languages',
      'pictures.languageFolder',
    ]) {
      assert.equal(properties[`airgap.${key}`]!.scope, 'machine', key);
    }
    for (const key of ['remote.url', 'remote.model', 'remote.use'])
      assert.equal(properties[`airgap.${key}`]!.scope, 'application', key);
  });

  it('is activated by an editor, a chat that was left open, or once a window has started, never while it starts', () =>
    assert.deepEqual(manifest.activationEvents, [
      'onLanguage',
      'onStartupFinished',
      'onWebviewPanel:airgap.chat.editor',
    ]));

  it('says that there is no telemetry', () => {
    assert.deepEqual(json('extension/telemetry.json'), { events: {}, commonProperties: {} });
    assert.deepEqual(
      globSync('{extension,engine}/**/*.ts').filter((file) => /TelemetryLogger|telemetryReporter/i.test(read(file))),
      [],
    );
  });
});

describe('languages', () => {
  const english = json<Record<string, string>>('package.nls.json');

  it('package.nls.json has every text of package.json, and no other', () => {
    const used = [...read('package.json').matchAll(/"%([^%"]+)%"/g)].map((match) => match[1]!);
    assert.deepEqual(Object.keys(english).sort(), [...new Set(used)].sort());
  });

  it('German has every page of the walkthrough, where VS Code looks for it', () => {
    const pages = contributes.walkthroughs.flatMap(({ steps }) => steps.flatMap(({ media }) => media.markdown ?? []));
    assert.ok(pages.length > 0);
    for (const page of pages) assert.match(read(page.replace(/\.md$/, '.nls.de.md')), /\S/, page);
  });

  it('German has the same keys and commands', () => {
    const german = json<Record<string, string>>('package.nls.de.json');
    assert.deepEqual(Object.keys(german), Object.keys(english));
    const links = (text: string): string[] => text.match(/\(command:[^)]+\)|`[^`]+`/g) ?? [];
    for (const [key, text] of Object.entries(english)) assert.deepEqual(links(german[key]!), links(text), key);
  });

  it('the German bundle has every text of extension and page, and no other', () => {
    const bundle = json<Record<string, string>>('extension/l10n/bundle.l10n.de.json');
    assert.deepEqual(Object.keys(bundle).sort(), [...translatedTexts()].sort());
    const slots = (text: string): string[] => (text.match(/\{\d\}/g) ?? []).sort();
    for (const [text, german] of Object.entries(bundle)) assert.deepEqual(slots(german), slots(text), text);
  });
});
