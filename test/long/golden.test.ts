import { describeGoldens } from '../support/goldenCases.ts';

for (const backend of ['reference', 'webgpu'] as const) {
  describeGoldens(backend, ['small-blocksparse'], (config) => config === 'config.bs64.json');
}
