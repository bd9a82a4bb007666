/** The real engine process with the fake core. Started by process tests. */
import { runEngine } from '../../../engine/process/engineProcess.ts';
import { version } from '../../../package.json';
import { fakeCore } from '../engine/fakeCore.ts';

void runEngine(fakeCore, version);
