/** The engine process with a ScriptedServer; the script is the file AIRGAP_SCRIPT, if any. */
import { runEngine } from '../../../engine/process/engineProcess.ts';
import { version } from '../../../package.json';
import { ScriptedServer } from './scriptedServer.ts';

void runEngine(version, (options) => new ScriptedServer(options, process.env['AIRGAP_SCRIPT']));
