import Mocha from 'mocha';

/** Mocha in this process, whose own loader would look for files that a bundle does not have. */
export const mocha = new Mocha({ ui: 'bdd', timeout: 120_000, grep: /webgpu|the GPU backend/ });
mocha.suite.emit('pre-require', globalThis, '', mocha);
