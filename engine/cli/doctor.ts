import { availableParallelism, freemem, totalmem } from 'node:os';
import type { Command } from 'commander';
import { knownGpuSpeed } from '../discovery/gpuSpeedFile.ts';
import { knownTuning } from '../discovery/gpuTuningFile.ts';
import { backendReports } from '../load/openBackend.ts';
import type { BackendReport } from '../wire/protocol.ts';
import { type StoreOptions, addStoreOption, placesOf } from './storeOptions.ts';

/** `airgap doctor`: which backend runs here, and why the others do not. */
export function addDoctor(program: Command): void {
  addStoreOption(program.command('doctor'))
    .description('print which backend is used on this machine, why the others are not, and how fast a GPU is')
    .option('--allow-software-gpu', 'accept a software adapter as a GPU')
    .option('--json', 'print the report as JSON')
    .action(async (options: { allowSoftwareGpu?: boolean; json?: boolean } & StoreOptions) => {
      const { folder } = placesOf(options);
      const backends = await backendReports(
        options,
        (adapter, measure) => knownGpuSpeed(folder, adapter, measure),
        (adapter) => knownTuning(folder, adapter),
      );
      const chosen = backends.find((report) => report.usable)?.backend ?? null;
      const machine = {
        node: process.version,
        v8: process.versions.v8,
        electron: process.versions['electron'] ?? null,
        platform: `${process.platform}-${process.arch}`,
        cores: availableParallelism(),
        memoryBytes: totalmem(),
        freeBytes: freemem(),
      };
      if (options.json) console.log(JSON.stringify({ chosen, machine, backends }));
      else print(chosen, machine, backends);
      if (!chosen) process.exitCode = 1;
    });
}

function print(chosen: string | null, machine: object, backends: readonly BackendReport[]): void {
  console.log(chosen ? `Airgap uses ${chosen} on this machine.` : 'No backend can be used on this machine.');
  console.log('\nmachine');
  for (const [name, value] of Object.entries(machine)) console.log(`  ${name}: ${readable(name, value)}`);
  for (const { backend, usable, reason, details } of backends) {
    console.log(`\n${backend}: ${usable ? 'usable' : `not used: ${reason}`}`);
    for (const line of details) console.log(`  ${line}`);
  }
}

function readable(name: string, value: unknown): string {
  return name.endsWith('Bytes') ? `${(Number(value) / 2 ** 30).toFixed(1)} GiB` : String(value ?? 'no');
}
