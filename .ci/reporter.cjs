/** Mocha's spec reporter, which also writes the counts to the file named by AIRGAP_TEST_REPORT. */
const { writeFileSync } = require('node:fs');
const { reporters } = require('mocha');

module.exports = class extends reporters.Spec {
  /**
   * @param {import('mocha').Runner} runner
   * @param {import('mocha').MochaOptions} options
   */
  constructor(runner, options) {
    super(runner, options);
    runner.once('end', () => {
      const { passes, failures, pending } = this.stats;
      writeFileSync(process.env.AIRGAP_TEST_REPORT ?? '', JSON.stringify({ passes, failures, pending }));
    });
  }
};
