/**
 * Subgroup matrices: a subgroup multiplies small matrices at once, by the matrix units of its GPU. An experiment of Dawn's
 * and Chromium's, which each GPU has for sizes of its own.
 */

/** What a device needs for products by matrices of a size. */
export type MatricesNeed =
  | `${'f16' | 'f32'} matrices of ${number} x ${number} x ${number}`
  | `subgroups of ${number}`
  | `subgroups of ${number} on demand`;

/** What of it an adapter offers to a device with these features. */
export function matricesOffered(info: GPUAdapterInfo, features: ReadonlySet<string>): readonly MatricesNeed[] {
  const { subgroupMinSize: least = 0, subgroupMaxSize: most = 0 } = info;
  if (!features.has(MATRICES_FEATURE) || least === 0) return [];
  const needs: MatricesNeed[] = least === most ? [`subgroups of ${least}`] : [];
  if (features.has('subgroup-size-control'))
    for (let size = least; size <= most; size *= 2) needs.push(`subgroups of ${size} on demand`);
  for (const { componentType, resultComponentType, M, N, K } of configsOf(info))
    if (resultComponentType === 'f32' && (componentType === 'f32' || componentType === 'f16'))
      needs.push(`${componentType} matrices of ${M} x ${N} x ${K}`);
  return needs;
}

/** The sizes of an adapter's matrices, in words. */
export function matricesText(info: GPUAdapterInfo): string {
  const sizes = configsOf(info).map(({ componentType, resultComponentType, M, N, K }) => {
    return `${M} x ${N} x ${K} of ${componentType}, summed up in ${resultComponentType}`;
  });
  return sizes.join('; ') || 'no';
}

export const MATRICES_FEATURE = 'chromium-experimental-subgroup-matrix';

function configsOf(info: GPUAdapterInfo): readonly MatrixConfig[] {
  const { subgroupMatrixConfigs = [] } = info as { subgroupMatrixConfigs?: Iterable<MatrixConfig> };
  return [...subgroupMatrixConfigs];
}

/** GPUSubgroupMatrixConfig, which no types have yet. */
interface MatrixConfig {
  readonly componentType: string;
  readonly resultComponentType: string;
  readonly M: number;
  readonly N: number;
  readonly K: number;
}
