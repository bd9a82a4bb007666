import { describeVisionGoldens } from '../../support/engine/vision/cases.ts';

// A software GPU takes minutes: see test/long.
describeVisionGoldens('wasm', [256, 64, 199]);
