/** "Airgap: Self-Test": runs in the user's installation what cannot be run elsewhere, and writes a report to send. */
import { homedir, hostname, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { abortControllerFor } from '../common/abortSignal.ts';
import { errorMessage } from '../common/errorMessage.ts';
import type { Launch } from '../engine/process.ts';
import { anonymous } from './anonymous.ts';
import { type GhostTextResult, tryGhostText } from './ghostText.ts';
import { probeRuntime, type ProbedRuntime } from './probeEngine.ts';
import { selfTestReport } from './report.ts';

export interface SelfTestHost {
  readonly extensionPath: string;
  /** How an engine is started that no window uses. */
  launch(): Launch;
  allowSoftwareGpu(): boolean;
  /** Why no completion is to be expected now; empty otherwise. */
  noCompletions(): string;
}

const LIMIT_MS = 55_000;

/** Shows the report as an untitled document; what was found until then, where the user cancels or the time is over. */
export async function selfTest(host: SelfTestHost, limitMs = LIMIT_MS): Promise<void> {
  const title = vscode.l10n.t('Airgap self-test');
  const text = await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title, cancellable: true },
    (progress, token) => run(host, token, limitMs, (message) => progress.report({ message })),
  );
  const content = anonymous(text, namesOf(host));
  const document = await vscode.workspace.openTextDocument({ language: 'markdown', content });
  await vscode.window.showTextDocument(document, { preview: false });
}

async function run(
  host: SelfTestHost,
  token: vscode.CancellationToken,
  limitMs: number,
  tell: (message: string) => void,
): Promise<string> {
  const { t } = vscode.l10n;
  const late = AbortSignal.timeout(limitMs);
  const signal = AbortSignal.any([abortControllerFor(token).signal, late]);
  const startedMs = performance.now();
  const launch = host.launch();
  const { runtimes: found, notes } = launch.choice;
  const runtimes: ProbedRuntime[] = [];
  let ghostText: GhostTextResult | undefined;
  let ended = '';
  try {
    const model = join(host.extensionPath, 'media', 'starter');
    const options = { launch, model, signal, allowSoftwareGpu: host.allowSoftwareGpu() };
    for (const runtime of found) {
      signal.throwIfAborted();
      tell(t('Engine {0} of {1}', runtimes.length + 1, found.length));
      runtimes.push(await probeRuntime(runtime, options));
    }
    tell(t('Ghost text'));
    const problem = host.noCompletions();
    ghostText = problem === '' ? await tryGhostText(signal) : { shown: false, ms: 0, problem };
  } catch (error) {
    const why = late.aborted ? `it took longer than ${limitMs / 1000} s` : 'it was cancelled';
    ended = `The test is incomplete: ${signal.aborted ? why : errorMessage(error)}.`;
  }
  const seconds = (performance.now() - startedMs) / 1000;
  return selfTestReport({ environment: environment(launch.version), notes, runtimes, ghostText, seconds, ended });
}

function environment(version: string): string[] {
  const { electron, node, v8 } = process.versions;
  const schemes = (vscode.workspace.workspaceFolders ?? []).map(({ uri }) => uri.scheme);
  return [
    `Airgap ${version}, VS Code ${vscode.version}`,
    `${process.platform}-${process.arch}; extension host: ${electron ? `Electron ${electron}, ` : ''}Node ${node}, V8 ${v8}`,
    `window: ${vscode.env.uiKind === vscode.UIKind.Web ? 'browser' : 'desktop'}, remote: ${remoteKind(vscode.env.remoteName)}`,
    `folders: ${[...new Set(schemes)].join(', ') || 'none'}; trusted: ${vscode.workspace.isTrusted ? 'yes' : 'no'}`,
  ];
}

/** Other names than the well-known ones may be those of machines. */
function remoteKind(name: string | undefined): string {
  if (name === undefined) return 'none';
  return ['wsl', 'ssh-remote', 'dev-container', 'attached-container', 'codespaces', 'tunnel'].includes(name)
    ? name
    : 'another kind';
}

function namesOf({ extensionPath, launch }: SelfTestHost): Parameters<typeof anonymous>[1] {
  const { address, choice } = launch();
  const folders = (vscode.workspace.workspaceFolders ?? []).map(({ uri }) => uri.fsPath);
  const programs = choice.runtimes.map(({ program }) => program);
  const paths = [homedir(), tmpdir(), extensionPath, vscode.env.appRoot, address.directory, process.execPath];
  return { paths: [...paths, ...folders, ...programs], user: userInfo().username, host: hostname() };
}
