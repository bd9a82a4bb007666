/** Files that a program runs or obeys without being asked: a change to one takes more than a click. Pure. */

/** What runs such a file. */
export type Runner = 'git' | 'vscode' | 'npm' | 'buildServer' | 'container' | 'shell' | 'packageManager' | 'extension';

/** By the path within its root, with `/`, in lower case: some file systems do not distinguish. */
const RUNNERS: readonly (readonly [Runner, RegExp])[] = [
  [
    'git',
    /(^|\/)\.(git|githooks|husky)\/|(^|\/)(\.gitattributes|\.gitmodules|\.pre-commit-config\.ya?ml|\.?lefthook\.ya?ml)$/,
  ],
  ['vscode', /(^|\/)\.vscode\/|\.code-workspace$/],
  [
    'buildServer',
    /(^|\/)\.github\/(workflows|actions)\/|(^|\/)\.(circleci|buildkite)\/|(^|\/)(\.gitlab-ci\.yml|\.travis\.yml|azure-pipelines\.ya?ml|jenkinsfile)$/,
  ],
  ['container', /(^|\/)\.devcontainer(\/|\.json$)/],
  ['shell', /(^|\/)\.(envrc|bashrc|bash_profile|profile|zshrc|zshenv)$/],
  ['packageManager', /(^|\/)(\.npmrc|\.yarnrc|\.yarnrc\.yml|\.pnpmfile\.c?js|pip\.conf)$/],
  // Linters, test runners and bundlers load their configuration, and rust-analyzer runs build.rs.
  ['extension', /(^|\/)([\w.-]+\.config\.[cm]?[jt]s|\.\w+rc\.[cm]?js|build\.rs|\.cargo\/config(\.toml)?)$/],
];

/**
 * What runs a file by itself once it is changed from `before` to `after`; undefined for the files that only people run.
 * `path` is relative to its root.
 */
export function runnerOf(path: string, before: string, after: string): Runner | undefined {
  const lower = path.toLowerCase();
  if (/(^|\/)package\.json$/.test(lower)) return scriptsOf(before) === scriptsOf(after) ? undefined : 'npm';
  return RUNNERS.find(([, pattern]) => pattern.test(lower))?.[0];
}

/** The scripts of a package.json as text; the whole file where it cannot be read. */
function scriptsOf(text: string): string {
  if (text.trim() === '') return JSON.stringify({});
  try {
    const { scripts = {} } = JSON.parse(text) as { scripts?: unknown };
    return JSON.stringify(scripts);
  } catch {
    return text;
  }
}
