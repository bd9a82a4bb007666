/** A window that starts the engine and then hangs until it is killed: `node starter.cjs`, its launch in LAUNCH. */
import { connectEngine, type Launch } from '../../../extension/engine/process.ts';

const launch = JSON.parse(process.env['LAUNCH'] ?? '') as Launch;
void connectEngine({ ...launch, log: () => {} }).then(({ pid }) => process.stdout.write(`${pid}\n`));
