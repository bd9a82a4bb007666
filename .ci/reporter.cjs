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
    runner.on('fail', (test, error) => failed.push(`${test.titlePath().join(' > ')}: ${error.message}`));
    runner.once('end', () => {
      const { passes, failures, pending } = this.stats;
      writeFileSync(process.env.AIRGAP_TEST_REPORT ?? '', JSON.stringify({ passes, failures, pending, failed }));
    });
  }
};
