import { readFileSync, readdirSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import os from 'node:os';

/**
 * The system's processors. Entries of the lists at the same index belong to the same processor; a list is empty if the
 * system does not provide the information.
 */
export interface Processors {
  /** Hardware threads this process may run on. */
  readonly available: number;
  /** The core of each hardware thread; threads of the same core have the same name. */
  readonly cores: readonly string[];
  /** The relative speed of each hardware thread, in any unit; 0 if unknown. */
  readonly speeds: readonly number[];
  /** CPU quota of the container, in processors; Infinity without a limit. */
  readonly quota: number;
  /** Number of cores of the fastest kind, if the system reports only this. */
  readonly fastCores?: number | undefined;
  readonly onBattery: boolean;
}

/** On machines without a GPU, more threads than this gain no memory bandwidth. */
const MOST_THREADS = 8;
/**
 * Cores slower than this share of the fastest would make the others wait at each barrier. Turbo bins of equal cores
 * differ less.
 */
const SLOW = 0.8;
/** Threads on battery: every further thread costs power, and beyond two, bandwidth grows slowly. */
const BATTERY_THREADS = 2;

/** The number of threads to run, and the reason for `airgap doctor`. */
export function threadsFor(processors: Processors): { threads: number; reason: string } {
  const { available, quota, onBattery } = processors;
  const reasons = [`${available} hardware thread${available === 1 ? '' : 's'} available`];
  let threads = available;
  const limit = (most: number, why: string): void => {
    if (most >= threads) return;
    threads = Math.max(1, most);
    reasons.push(why);
  };
  const { all, fast } = coresOf(processors);
  limit(all, `${all} core${all === 1 ? '' : 's'}`);
  limit(fast, `${fast} of them fast`);
  limit(Math.floor(quota), `the container grants ${Number(quota.toFixed(2))} processors`);
  limit(MOST_THREADS, `more than ${MOST_THREADS} do not help`);
  if (onBattery) limit(Math.max(BATTERY_THREADS, Math.ceil(threads / 2)), 'half of them on battery');
  return { threads, reason: reasons.join('; ') };
}

/** Cores, and those of the fastest kind; Infinity where it is not known. */
function coresOf({ cores, speeds, fastCores = Infinity }: Processors): { all: number; fast: number } {
  if (cores.length === 0) return { all: Infinity, fast: fastCores };
  const slowest = SLOW * Math.max(...speeds);
  const fast = cores.filter((_, i) => speeds[i]! >= slowest);
  return { all: new Set(cores).size, fast: Math.min(fastCores, new Set(fast).size) };
}

/** Reads what this system tells; every source may be missing. */
export function readProcessors(read: (path: string) => string = readText): Processors {
  const known = { available: os.availableParallelism(), cores: [], speeds: [], quota: Infinity, onBattery: false };
  if (process.platform === 'darwin') return { ...known, fastCores: sysctl('hw.perflevel0.physicalcpu') };
  if (process.platform !== 'linux') return known;
  return { ...known, ...readLinux(read) };
}

/** `read` gives '' for a file that is not there. */
export function readLinux(read: (path: string) => string): Omit<Processors, 'available'> {
  const allowed = /^Cpus_allowed_list:\s*(\S+)/m.exec(read('/proc/self/status'))?.[1];
  const online = new Set(listed(read('/sys/devices/system/cpu/online')));
  const threads = listed(allowed ?? '').filter((thread) => online.has(thread));
  const cpu = (thread: number, file: string): string => read(`/sys/devices/system/cpu/cpu${thread}/${file}`);
  const cores = threads.map((thread) =>
    [cpu(thread, 'topology/physical_package_id'), cpu(thread, 'topology/core_id') || `thread ${thread}`].join(),
  );
  const speeds = threads.map(
    (thread) => Number(cpu(thread, 'cpu_capacity')) || Number(cpu(thread, 'cpufreq/cpuinfo_max_freq')),
  );
  return { cores, speeds, quota: readQuota(read), onBattery: readBattery(read) };
}

/** The tightest limit of the process's control group and those above it. */
function readQuota(read: (path: string) => string): number {
  let least = Infinity;
  for (const line of read('/proc/self/cgroup').split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (path === undefined || (controllers !== '' && !controllers!.split(',').includes('cpu'))) continue;
    const names = path.split('/').filter(Boolean);
    // In a container the path may be the host's, while the mount begins at the container's own group: the root counts too.
    for (let depth = names.length; depth >= 0; depth--) {
      const group = names
        .slice(0, depth)
        .map((name) => `/${name}`)
        .join('');
      least = Math.min(least, controllers === '' ? quotaV2(read, group) : quotaV1(read, group));
    }
  }
  return least;
}

function quotaV2(read: (path: string) => string, group: string): number {
  const [quota, period] = read(`/sys/fs/cgroup${group}/cpu.max`).split(/\s+/).map(Number);
  return quota! > 0 && period! > 0 ? quota! / period! : Infinity; // 'max' is no number.
}

function quotaV1(read: (path: string) => string, group: string): number {
  const [quota, period] = ['cpu.cfs_quota_us', 'cpu.cfs_period_us'].map((file) =>
    Number(read(`/sys/fs/cgroup/cpu${group}/${file}`)),
  );
  return quota! > 0 && period! > 0 ? quota! / period! : Infinity; // -1: no limit.
}

/** True where a battery discharges and no mains supply is on line. */
function readBattery(read: (path: string) => string): boolean {
  const supplies = read('/sys/class/power_supply').split('\n').filter(Boolean);
  const about = (name: string, file: string): string => read(`/sys/class/power_supply/${name}/${file}`).trim();
  const mains = supplies.some((name) => about(name, 'type') !== 'Battery' && about(name, 'online') === '1');
  const own = (name: string): boolean => about(name, 'type') === 'Battery' && about(name, 'scope') !== 'Device';
  return !mains && supplies.some((name) => own(name) && about(name, 'status') === 'Discharging');
}

/** '0-2,5' -> 0 1 2 5. */
function listed(text: string): number[] {
  return text
    .trim()
    .split(',')
    .filter(Boolean)
    .flatMap((range) => {
      const [first, last = first] = range.split('-').map(Number);
      return Array.from({ length: last! - first! + 1 }, (_, i) => first! + i);
    });
}

/** A file's text, or a folder's names one per line; '' where there is none. */
function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EISDIR') return '';
    return readdirSync(path).join('\n');
  }
}

function sysctl(name: string): number | undefined {
  try {
    return Number(execFileSync('/usr/sbin/sysctl', ['-n', name], { encoding: 'utf8', timeout: 1000 })) || undefined;
  } catch {
    return undefined; // Intel Macs have one kind of core and no such name.
  }
}
