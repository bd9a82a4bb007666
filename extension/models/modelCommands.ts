/** The commands about models: id -> what it does. */
import * as vscode from 'vscode';
import type { ListedModel } from '../../engine/wire/models.ts';
import type { CommandTable } from '../common/commands.ts';
import { told } from '../common/notice.ts';
import { type DownloadHost, downloadModel, forgetToken } from './downloadModel.ts';
import { importModel } from './importModel.ts';
import { benchmark, type ModelActionsHost, remove, reveal, use, verify } from './modelActions.ts';
import type { ModelList } from './modelList.ts';
import type { Row } from './modelsView.ts';
import { openTerminal } from './openTerminal.ts';
import { chooseModel } from './picker.ts';
import type { Program } from './program.ts';

export interface Models extends ModelActionsHost, DownloadHost {
  readonly program: Program;
  readonly list: ModelList;
  /** A folder of the user's and of this extension alone. */
  readonly storage: string;
}

/** Calls `host` each time a command runs. Failures are one sentence each. */
export function modelCommands(host: () => Models): CommandTable {
  const ofRow = (run: (models: Models, model: ListedModel) => Promise<void>) => (row: unknown) => {
    const { model } = row as Extract<Row, { kind: 'model' }>;
    return told(() => run(host(), model));
  };
  return {
    'airgap.chooseModel': (purpose) => told(() => chooseModel(host(), purpose)),
    'airgap.importModel': () => told(() => importModel(host())),
    'airgap.downloadModel': (name, use) => told(() => downloadModel(host(), name, use)),
    'airgap.forgetDownloadToken': () => told(() => forgetToken(host())),
    'airgap.openTerminal': () => told(() => openTerminal(host())),
    'airgap.refreshModels': () => host().list.refresh(),
    'airgap.findModels': () => told(() => findModels(host())),
    'airgap.useForCompletions': ofRow((models, model) => use(models, model, 'completion')),
    'airgap.useForChat': ofRow((models, model) => use(models, model, 'chat')),
    'airgap.verifyModel': ofRow(verify),
    'airgap.benchmarkModel': ofRow(benchmark),
    'airgap.revealModel': ofRow((_, model) => reveal(model)),
    'airgap.removeModel': ofRow(remove),
  };
}

/** Looks for what other programs keep on this disk. */
async function findModels({ list }: Models): Promise<void> {
  await vscode.window.withProgress({ location: { viewId: 'airgap.models' } }, () =>
    list.search(new AbortController().signal),
  );
}
