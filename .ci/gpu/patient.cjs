/** For mocha's --require: tests may take ten minutes each, since lavapipe compiles some shaders for half a minute. */
const MS = 600_000;

exports.mochaHooks = {
  /** @this {import('mocha').Context} */
  beforeEach() {
    this.currentTest?.timeout(MS);
  },
};
