import { describeGoldens } from '../../support/engine/goldenCases.ts';

const MODELS = ['mini-4k', 'mini-128k', 'medium-gqa', 'small-blocksparse', 'small-step2'];
/** 1720 tokens take the plain loops long. */
const LONG = 'config.bs64.json';

describeGoldens('reference', MODELS, (config) => config !== LONG);
describeGoldens('wasm', MODELS, () => true);
// One model of each architecture; a software GPU takes a minute for the others, in test/long.
describeGoldens('webgpu', ['mini-4k', 'small-blocksparse'], (config) => config === 'config.json');
describeGoldens('webgpu', ['mini-4k'], (config) => config === 'config.json', { baselineGpu: true });
