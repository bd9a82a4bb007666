import { OutOfMemory } from '../../../kernels/ops.ts';
import type { Measurement } from '../../../engine/cli/bench/backends.ts';
import { type ModelBenchOptions, type ModelRow, modelSpeed } from '../../../engine/cli/bench/model.ts';
import type { LoadedModel } from '../../../engine/load/loadedModel.ts';
import { type LoadOptions, loadModel } from '../../../engine/load/loadModel.ts';
import { layersOf, randomModel } from './shapes.ts';

/** A model folder, or random weights of a released shape. */
export interface BenchModel {
  readonly folder: string;
  readonly shape?: string | undefined;
  /** Number of layers of the shape to measure with. */
  readonly layers?: number | undefined;
}

interface ShapeRow extends ModelRow {
  /** Number of layers that the shape has; not all of them fit into every memory. */
  allLayers: number;
}

/** `airgap bench`, which also takes random weights. */
export function speedOf(model: BenchModel, options: ModelBenchOptions): Measurement<ModelRow> {
  const speed = modelSpeed((load) => openModel(model, load), options);
  const { shape } = model;
  if (shape === undefined) return speed;
  const columns: Measurement<ShapeRow>['columns'] = [
    ...speed.columns,
    { title: 'layers', text: ({ layers, allLayers }) => `${layers} of ${allLayers}` },
    { title: 'decode of all layers', text: decodeOfAllLayers },
  ];
  return {
    ...speed,
    columns,
    async *rows(context) {
      for await (const row of speed.rows(context)) yield { ...row, allLayers: layersOf(shape) };
    },
  };
}

export function openModel({ folder, shape, layers }: BenchModel, load: LoadOptions): Promise<LoadedModel> {
  return shape === undefined ? loadModel(folder, load) : openShape(shape, layers ?? layersOf(shape), load);
}

/** Loads `layers` of the shape or, where memory does not hold them, the largest half, quarter, … that it does. */
async function openShape(shape: string, layers: number, load: LoadOptions): Promise<LoadedModel> {
  try {
    return await loadModel(randomModel(shape, layers), load);
  } catch (error) {
    if (!(error instanceof OutOfMemory) || layers === 1) throw error;
    return openShape(shape, layers >> 1, load);
  }
}

function decodeOfAllLayers({ decodePerSecond, layers, allLayers }: ShapeRow): string {
  if (layers === allLayers) return 'measured';
  return `at least ${((decodePerSecond * layers) / allLayers).toFixed(2)} tokens/s, extrapolated by layers`;
}
