import { describeVisionGoldens } from '../support/engine/vision/cases.ts';
import { describeGoldens } from '../support/engine/goldenCases.ts';

describeGoldens('reference', ['small-blocksparse'], (config) => config === 'config.bs64.json');
describeGoldens('webgpu', ['mini-128k', 'medium-gqa', 'small-step2'], () => true);
describeGoldens('webgpu', ['small-blocksparse'], (config) => config !== 'config.json');

describeVisionGoldens('webgpu', [256, 61], ({ num_tokens }) => num_tokens < 600);
