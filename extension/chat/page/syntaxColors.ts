/** The editor theme's colours for code in the chat. VS Code gives pages no token colours, so the theme file is read. */
import * as vscode from 'vscode';
import * as z from 'zod';
import type { SyntaxColors } from '../../../webview/protocol.ts';
import { customRules, parseTheme, type Rule, syntaxColors } from './themeRules.ts';

/** Themes include each other a few levels deep; the limit stops a theme that includes itself. */
const MAX_INCLUDES = 8;

const contributions = z.object({
  contributes: z.object({
    themes: z.array(
      z.object({ id: z.string().optional(), label: z.string().optional(), uiTheme: z.string(), path: z.string() }),
    ),
  }),
});

/** Settings that name the theme, besides workbench.colorTheme, by the kind of the active theme. */
const KINDS: Readonly<Record<number, { uiTheme: string; preferred: string }>> = {
  1: { uiTheme: 'vs', preferred: 'preferredLightColorTheme' },
  2: { uiTheme: 'vs-dark', preferred: 'preferredDarkColorTheme' },
  3: { uiTheme: 'hc-black', preferred: 'preferredHighContrastColorTheme' },
  4: { uiTheme: 'hc-light', preferred: 'preferredHighContrastLightColorTheme' },
};

const SETTINGS = ['workbench', 'editor.tokenColorCustomizations', 'window.autoDetectColorScheme'];

/** Colours of the active theme; empty if it cannot be read, in which case the page uses VS Code's variables. */
export class ThemeColors implements vscode.Disposable {
  readonly #changed = new vscode.EventEmitter<void>();
  readonly onDidChange = this.#changed.event;
  readonly #subscriptions: vscode.Disposable[];
  #colors: SyntaxColors = {};
  /** Number of the newest read; the result of an older read that finishes later is discarded. */
  #reading = 0;

  readonly #log: (message: string) => void;

  constructor(log: (message: string) => void) {
    this.#log = log;

    const read = (): void => void this.#read();
    this.#subscriptions = [
      this.#changed,
      vscode.window.onDidChangeActiveColorTheme(read),
      vscode.extensions.onDidChange(read),
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (SETTINGS.some((section) => event.affectsConfiguration(section))) read();
      }),
    ];
    read();
  }

  current(): SyntaxColors {
    return this.#colors;
  }

  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.dispose();
  }

  async #read(): Promise<void> {
    const reading = ++this.#reading;
    const colors = await readColors().catch((error: unknown) => {
      this.#log(`The theme's colours could not be read: ${String(error)}`);
      return {};
    });
    if (reading !== this.#reading || JSON.stringify(colors) === JSON.stringify(this.#colors)) return;
    this.#colors = colors;
    this.#changed.fire();
  }
}

async function readColors(): Promise<SyntaxColors> {
  const theme = activeTheme();
  if (!theme) return {};
  const rules = await rulesOf(vscode.Uri.joinPath(theme.folder, theme.path), MAX_INCLUDES);
  if (rules.length === 0) return {};
  const own = vscode.workspace.getConfiguration('editor').get('tokenColorCustomizations');
  return syntaxColors([...rules, ...customRules(own, theme.name)]);
}

interface Theme {
  readonly name: string;
  readonly folder: vscode.Uri;
  readonly path: string;
}

/** The theme that the settings name and that is of the active kind. */
function activeTheme(): Theme | undefined {
  const kind = KINDS[vscode.window.activeColorTheme.kind]!;
  const workbench = vscode.workspace.getConfiguration('workbench');
  const follows = vscode.workspace.getConfiguration('window').get('autoDetectColorScheme', false);
  const [chosen, preferred] = [workbench.get<string>('colorTheme'), workbench.get<string>(kind.preferred)];
  const names = follows ? [preferred, chosen] : [chosen, preferred];
  const themes = vscode.extensions.all.flatMap(({ packageJSON, extensionUri }) => {
    const { data } = contributions.safeParse(packageJSON);
    return (data?.contributes.themes ?? []).map((theme) => ({ ...theme, folder: extensionUri }));
  });
  for (const name of names) {
    // "Dark Modern" used to be named "Default Dark Modern", which settings may still contain.
    const found = themes.find(
      ({ id, label, uiTheme }) => [id ?? label, `Default ${id}`].includes(name) && uiTheme === kind.uiTheme,
    );
    if (found && name !== undefined) return { name, folder: found.folder, path: found.path };
  }
  return undefined;
}

/** Rules of the included themes come first. A theme's rules in a TextMate file are not read. */
async function rulesOf(uri: vscode.Uri, includes: number): Promise<Rule[]> {
  const theme = parseTheme(new TextDecoder().decode(await vscode.workspace.fs.readFile(uri)));
  if (!theme) return [];
  const folder = vscode.Uri.joinPath(uri, '..');
  const included =
    theme.include !== undefined && includes > 0
      ? await rulesOf(vscode.Uri.joinPath(folder, theme.include), includes - 1)
      : [];
  return typeof theme.tokenColors === 'string' ? included : [...included, ...(theme.tokenColors ?? [])];
}
