/** Mocha's spec reporter, which also writes counts and what failed to the file named by AIRGAP_TEST_REPORT. */
const { writeFileSync } = require('node:fs');
const { reporters } = require('mocha');

module.exports = class extends reporters.Spec {
  /**
   * @param {import('mocha').Runner} runner
   * @param {import('mocha').MochaOptions} options
   */
  constructor(runner, options) {
    super(runner, options);
    /** @type {string[]} */
    const failed = [];
    /** @type {Record<string, { passes: number; failures: number; pending: number }>} */
    const files = {};
    /** @type {(test: import('mocha').Runnable, kind: 'passes' | 'failures' | 'pending') => void} */
    const count = (test, kind) => {
      const counts = (files[test.file ?? ''] ??= { passes: 0, failures: 0, pending: 0 });
      counts[kind]++;
    };
    runner.on('pass', (test) => count(test, 'passes'));
    runner.on('pending', (test) => count(test, 'pending'));
    runner.on('fail', (test, error) => {
      count(test, 'failures');
      failed.push(`${test.titlePath().join(' > ')}: ${error.message}`);
    });
    runner.once('end', () => {
      writeFileSync(process.env.AIRGAP_TEST_REPORT ?? '', JSON.stringify({ files, failed }));
    });
  }
};
