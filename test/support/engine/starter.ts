/** A window that starts the engine and then hangs until it is killed. The environment variable LAUNCH says how to start. */
import { connectEngine, type Launch } from '../../../extension/engine/process.ts';

const launch = JSON.parse(process.env['LAUNCH'] ?? '') as Launch;
void connectEngine({ ...launch, log: () => {} }).then(({ pid }) => process.stdout.write(`${pid}\n`));
