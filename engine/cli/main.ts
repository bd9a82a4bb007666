/** The terminal program. It is composed here, of the engine and of those parts of the extension that are free of vscode. */
import { Command } from 'commander';
import { version } from '../../package.json';
import { addApply } from './apply.ts';
import { addAsk } from './ask.ts';
import { addBench } from './bench/bench.ts';
import { addTune } from './bench/tune.ts';
import { addComplete } from './complete.ts';
import { addDoctor } from './doctor.ts';
import { addEval } from './eval/evaluate.ts';
import { addGenerate } from './generate.ts';
import { addGet } from './get.ts';
import { addImport } from './import.ts';
import { addLogits } from './logits.ts';
import { addModels } from './models/models.ts';
import { addPerplexity } from './perplexity.ts';
import { addRemove } from './remove.ts';
import { type AddCommand, runProgram } from './runProgram.ts';
import { addSearch } from './search.ts';
import { addVerify } from './verify.ts';

/** In the order of the help. */
const COMMANDS: readonly AddCommand[] = [
  addComplete,
  addModels,
  addDoctor,
  addAsk,
  addApply,
  addSearch,
  addGet,
  addImport,
  addVerify,
  addRemove,
  addBench,
  addTune,
  addLogits,
  addGenerate,
  addPerplexity,
  addEval,
];

const program = new Command('airgap')
  .description('The engine of Airgap, an on-device coding assistant, in the terminal. No network, no account.')
  .version(version);
void runProgram(program, COMMANDS);
