import assert from 'node:assert/strict';
import { readBlueprint } from '../../../engine/models/architectures.ts';
import { needleCases } from '../../support/engine/needle.ts';
import { DENSE_CONFIG, SPARSE_CONFIG } from '../../support/engine/needleModel.ts';

// Longer haystacks: test/long.
needleCases('wasm', [1024, 8192]);
needleCases('webgpu', [1024]);

describe('the needle model', () => {
  it('has the architectures of phi-3-mini and phi-3-small', () => {
    assert.deepEqual(
      [DENSE_CONFIG, SPARSE_CONFIG].map((config) => readBlueprint(config).architecture),
      ['Phi3ForCausalLM', 'Phi3SmallForCausalLM'],
    );
  });
});
