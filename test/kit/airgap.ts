/** The commands of `airgap` that need no model. */
import { Command } from 'commander';
import { addDoctor } from '../../engine/cli/doctor.ts';
import { runProgram } from '../../engine/cli/runProgram.ts';

void runProgram(new Command('airgap'), [addDoctor]);
