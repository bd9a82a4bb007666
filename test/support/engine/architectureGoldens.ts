/** Tiny models whose logits transformers has computed: see test/fixtures/architectures/README.md. */
import { readFileSync } from 'node:fs';
import { randomValues } from '../random.ts';
import { type TinyTensor, TinyFolder } from './tinyModel.ts';

export interface ArchitectureGolden {
  readonly name: string;
  /** config.json as published, and as transformers 5 saves it. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly saved: Readonly<Record<string, unknown>>;
  readonly tensors: readonly (readonly [string, readonly number[]])[];
  readonly ids: readonly number[];
  readonly positions: readonly number[];
  /** At each of the positions, (vocabulary). */
  readonly logits: readonly (readonly number[])[];
}

export const ARCHITECTURE_GOLDENS = JSON.parse(
  readFileSync('test/fixtures/architectures/goldens.json', 'utf8'),
) as ArchitectureGolden[];

export function architectureGolden(name: string): ArchitectureGolden {
  return ARCHITECTURE_GOLDENS.find((golden) => golden.name === name)!;
}

export function goldenTensors({ tensors }: ArchitectureGolden): TinyTensor[] {
  return tensors.map(([name, shape], i) => {
    const count = shape.reduce((a, b) => a * b, 1);
    const scaled = randomValues(i + 1, count, Infinity).map((value) => value * 0.3);
    return { name, shape: [...shape], values: name.includes('norm') ? scaled.map((value) => 1 + value) : scaled };
  });
}

/** A folder with the golden's weights, and its configuration or another. */
export function goldenFolder(
  golden: ArchitectureGolden,
  { config = golden.config as object, tensors = goldenTensors(golden) } = {},
): TinyFolder {
  return TinyFolder.model({ config, tensors, dtype: 'F32' });
}

/** The same weights with q, k, v and gate, up joined, as Phi-3 stores them. */
export function joined(tensors: readonly TinyTensor[]): TinyTensor[] {
  const groups: readonly (readonly [string, readonly string[]])[] = [
    ['qkv_proj', ['q_proj', 'k_proj', 'v_proj']],
    ['gate_up_proj', ['gate_proj', 'up_proj']],
  ];
  const result = [...tensors];
  for (const [whole, parts] of groups) {
    for (const first of tensors.filter(({ name }) => name.includes(parts[0]!))) {
      const members = parts.map((part) => {
        const name = first.name.replace(parts[0]!, part);
        const at = result.findIndex((tensor) => tensor.name === name);
        return result.splice(at, 1)[0]!;
      });
      const rows = members.reduce((sum, { shape }) => sum + shape[0]!, 0);
      const values = Float32Array.from(members.flatMap((member) => [...member.values]));
      result.push({ name: first.name.replace(parts[0]!, whole), shape: [rows, ...first.shape.slice(1)], values });
    }
  }
  return result;
}

/** The opposite for a model with these numbers of rows in q, k and v. */
export function split(tensors: readonly TinyTensor[], [q, k]: readonly [q: number, k: number]): TinyTensor[] {
  return tensors.flatMap((tensor) => {
    const { name, shape, values } = tensor;
    const [rows, columns = 1] = shape as [number, number?];
    const cut = (whole: string, parts: readonly (readonly [string, number, number])[]): TinyTensor[] => {
      return parts.map(([part, from, to]) => ({
        name: name.replace(whole, part),
        shape: [to - from, ...shape.slice(1)],
        values: values.slice(from * columns, to * columns),
      }));
    };
    if (name.includes('qkv_proj')) {
      return cut('qkv_proj', [
        ['q_proj', 0, q],
        ['k_proj', q, q + k],
        ['v_proj', q + k, rows],
      ]);
    }
    if (name.includes('gate_up_proj')) {
      return cut('gate_up_proj', [
        ['gate_proj', 0, rows / 2],
        ['up_proj', rows / 2, rows],
      ]);
    }
    return [tensor];
  });
}
