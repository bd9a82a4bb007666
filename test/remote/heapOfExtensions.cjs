/**
 * Loaded before VS Code's server (NODE_OPTIONS): its extension hosts collect their garbage every few seconds, and write the
 * megabytes of heap that are left, and those of RSS, to the file AIRGAP_HEAP_LOG.
 */
const childProcess = require('node:child_process');
const { appendFileSync } = require('node:fs');

const SAMPLE_MS = 10_000;

if (process.argv.includes('--type=extensionHost')) {
  setInterval(() => {
    globalThis.gc();
    const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
    const megabytes = (bytes) => Math.round(bytes / 2 ** 20);
    appendFileSync(process.env.AIRGAP_HEAP_LOG, `${megabytes(heapUsed + arrayBuffers)} ${megabytes(rss)}\n`);
  }, SAMPLE_MS).unref();
} else {
  const { fork } = childProcess;
  childProcess.fork = (module, args, options) => {
    const own = args?.includes('--type=extensionHost') ? ['--expose-gc', '--require', __filename] : [];
    return fork(module, args, { ...options, execArgv: [...(options?.execArgv ?? []), ...own] });
  };
}
