import { describeGoldens } from '../support/goldenCases.ts';

const MODELS = ['mini-4k', 'mini-128k', 'medium-gqa', 'small-blocksparse', 'small-step2'];
/** 1720 tokens: on the plain loops and on a software GPU in test/long. */
const LONG = 'config.bs64.json';

describeGoldens('reference', MODELS, (config) => config !== LONG);
describeGoldens('wasm', MODELS, () => true);
describeGoldens('webgpu', MODELS, (config) => config !== LONG);
