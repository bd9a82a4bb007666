import assert from 'node:assert/strict';
import { type Processors, readLinux, readProcessors, threadsFor } from '../../../kernels/wasm/host/processors.ts';

const known: Processors = { available: 4, cores: [], speeds: [], quota: Infinity, onBattery: false };
/** Cores c0, c1, ..., each with `threads` threads. */
const cores = (count: number, threads = 1, name = 'c'): string[] =>
  Array.from({ length: count * threads }, (_, i) => `${name}${Math.floor(i / threads)}`);
const same = (count: number, speed = 1024): number[] => Array<number>(count).fill(speed);

describe('threads', () => {
  for (const [name, processors, threads, reason] of [
    ['nothing known but a number', { available: 2 }, 2, '2 hardware threads available'],
    ['one', { available: 1 }, 1, '1 hardware thread available'],
    [
      'threads of a core count once',
      { available: 8, cores: cores(4, 2), speeds: same(8) },
      4,
      '8 hardware threads available; 4 cores',
    ],
    [
      'one core with two threads',
      { available: 2, cores: cores(1, 2), speeds: same(2) },
      1,
      '2 hardware threads available; 1 core',
    ],
    [
      'slow cores beside fast ones',
      { available: 8, cores: cores(8), speeds: [...same(4), ...same(4, 400)] },
      4,
      '8 hardware threads available; 4 of them fast',
    ],
    [
      'fast cores with two threads each, slow ones with one',
      {
        available: 20,
        cores: [...cores(6, 2), ...cores(8, 1, 'e')],
        speeds: [...same(12, 5_000_000), ...same(8, 3_800_000)],
      },
      6,
      '20 hardware threads available; 14 cores; 6 of them fast',
    ],
    [
      'turbo bins of equal cores',
      { available: 4, cores: cores(4), speeds: [5.0, 4.9, 4.8, 4.5] },
      4,
      '4 hardware threads available',
    ],
    ['unknown speeds', { available: 4, cores: cores(4), speeds: same(4, 0) }, 4, '4 hardware threads available'],
    [
      'pinned to slow cores only',
      { available: 2, cores: cores(2), speeds: same(2, 400) },
      2,
      '2 hardware threads available',
    ],
    ['a kind told as a number', { available: 10, fastCores: 4 }, 4, '10 hardware threads available; 4 of them fast'],
    [
      'a container with 2.5 processors',
      { available: 16, cores: cores(16), speeds: same(16), quota: 2.5 },
      2,
      '16 hardware threads available; the container grants 2.5 processors',
    ],
    [
      'a container with half a processor',
      { quota: 0.5 },
      1,
      '4 hardware threads available; the container grants 0.5 processors',
    ],
    ['a generous container', { quota: 64 }, 4, '4 hardware threads available'],
    [
      'many cores',
      { available: 64, cores: cores(64), speeds: same(64) },
      8,
      '64 hardware threads available; more than 8 do not help',
    ],
    ['battery', { available: 8, onBattery: true }, 4, '8 hardware threads available; half of them on battery'],
    ['battery, three', { available: 3, onBattery: true }, 2, '3 hardware threads available; half of them on battery'],
    ['battery, two', { available: 2, onBattery: true }, 2, '2 hardware threads available'],
  ] as const satisfies readonly (readonly [string, Partial<Processors>, number, string])[]) {
    it(`${name}: ${threads}`, () => assert.deepEqual(threadsFor({ ...known, ...processors }), { threads, reason }));
  }

  it('here, at least one and no more than there are', () => {
    const processors = readProcessors();
    const { threads, reason } = threadsFor(processors);
    assert.ok(threads >= 1 && threads <= processors.available, reason);
  });
});

describe('what Linux tells of processors', () => {
  const cpu = '/sys/devices/system/cpu';
  const topology = (thread: number, core: number, speed: Record<string, string> = {}): Record<string, string> => ({
    [`${cpu}/cpu${thread}/topology/physical_package_id`]: '0',
    [`${cpu}/cpu${thread}/topology/core_id`]: `${core}`,
    ...Object.fromEntries(Object.entries(speed).map(([file, value]) => [`${cpu}/cpu${thread}/${file}`, value])),
  });
  const four = {
    [`${cpu}/online`]: '0-3',
    '/proc/self/status': 'Name:\tnode\nCpus_allowed_list:\t0-3\n',
    ...[0, 1, 2, 3].reduce((all, thread) => ({ ...all, ...topology(thread, thread >> 1) }), {}),
  };
  const told = (files: Record<string, string>) => readLinux((path) => files[path] ?? '');

  for (const [name, files, want] of [
    ['nothing', {}, { cores: [], speeds: [], quota: Infinity, onBattery: false }],
    ['cores of two threads', four, { cores: ['0,0', '0,0', '0,1', '0,1'], speeds: [0, 0, 0, 0] }],
    ['affinity', { ...four, '/proc/self/status': 'Cpus_allowed_list:\t1,3-7\n' }, { cores: ['0,0', '0,1'] }],
    [
      'capacities before frequencies',
      {
        ...four,
        ...topology(0, 0, { cpu_capacity: '400', 'cpufreq/cpuinfo_max_freq': '9' }),
        ...topology(1, 0, { 'cpufreq/cpuinfo_max_freq': '3800000' }),
      },
      { speeds: [400, 3_800_000, 0, 0] },
    ],
    [
      'no topology: every thread counts',
      { [`${cpu}/online`]: '0-1', '/proc/self/status': 'Cpus_allowed_list:\t0-1' },
      { cores: [',thread 0', ',thread 1'] },
    ],
    ['a quota, version 2', { '/proc/self/cgroup': '0::/', '/sys/fs/cgroup/cpu.max': '150000 100000' }, { quota: 1.5 }],
    [
      'no quota, version 2',
      { '/proc/self/cgroup': '0::/a', '/sys/fs/cgroup/a/cpu.max': 'max 100000' },
      { quota: Infinity },
    ],
    [
      "the tightest of a group's and its parents', version 2",
      {
        '/proc/self/cgroup': '0::/a/b',
        '/sys/fs/cgroup/a/cpu.max': '200000 100000',
        '/sys/fs/cgroup/a/b/cpu.max': '300000 100000',
      },
      { quota: 2 },
    ],
    [
      'a quota, version 1',
      {
        '/proc/self/cgroup': '4:memory:/x\n2:cpu,cpuacct:/d\n0::/',
        '/sys/fs/cgroup/cpu/d/cpu.cfs_quota_us': '50000',
        '/sys/fs/cgroup/cpu/d/cpu.cfs_period_us': '100000',
      },
      { quota: 0.5 },
    ],
    [
      'no quota, version 1',
      {
        '/proc/self/cgroup': '1:cpu:/',
        '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1',
        '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000',
      },
      { quota: Infinity },
    ],
    [
      'a battery that discharges',
      power({ BAT0: { type: 'Battery', status: 'Discharging' }, AC: { type: 'Mains', online: '0' } }),
      { onBattery: true },
    ],
    [
      'mains',
      power({ BAT0: { type: 'Battery', status: 'Discharging' }, AC: { type: 'Mains', online: '1' } }),
      { onBattery: false },
    ],
    ['a full battery', power({ BAT0: { type: 'Battery', status: 'Full' } }), { onBattery: false }],
    [
      "a mouse's battery",
      power({ mouse: { type: 'Battery', status: 'Discharging', scope: 'Device' } }),
      { onBattery: false },
    ],
  ] as const satisfies readonly (readonly [string, Record<string, string>, object])[]) {
    it(name, () => {
      const got = told(files);
      assert.deepEqual(got, { ...got, ...want });
    });
  }

  function power(supplies: Record<string, Record<string, string>>): Record<string, string> {
    const folder = '/sys/class/power_supply';
    const files = Object.entries(supplies).flatMap(([name, about]) =>
      Object.entries(about).map(([file, value]) => [`${folder}/${name}/${file}`, value]),
    );
    return { [folder]: Object.keys(supplies).join('\n'), ...Object.fromEntries(files) };
  }
});
