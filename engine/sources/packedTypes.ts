/**
 * How safetensors files hold weights in blocks, which the file format has no number format for: as bytes (U8) of shape
 * (rows, bytes of a row), while the file's metadata names this layout's version and the type of each such tensor.
 */
import { STORED, type StoredType, isStoredType, storedValues } from '../../kernels/stored/storedTypes.ts';

const VERSION = '1';
const VERSION_KEY = 'airgap.packed';
const TYPES_KEY = 'airgap.types';

/** The metadata of a file with these tensors in blocks. */
export function packedMetadata(types: ReadonlyMap<string, StoredType>): Record<string, string> {
  return { [VERSION_KEY]: VERSION, [TYPES_KEY]: JSON.stringify(Object.fromEntries(types)) };
}

/** The types that a file's metadata names; none where it is not packed. Otherwise a sentence's end that says what is wrong. */
export function packedTypes(metadata: unknown): ReadonlyMap<string, StoredType> | string {
  const { [VERSION_KEY]: version, [TYPES_KEY]: text } = (metadata ?? {}) as Record<string, unknown>;
  if (version === undefined) return new Map();
  if (version !== VERSION) return 'was packed by a newer version of Airgap; import the model again';
  let types: unknown;
  try {
    types = JSON.parse(String(text));
  } catch {
    return 'has no valid list of packed types';
  }
  const entries = typeof types === 'object' && types !== null ? Object.entries(types as Record<string, unknown>) : [];
  const isBlockType = (type: unknown): type is StoredType =>
    typeof type === 'string' && isStoredType(type) && STORED[type].quantized !== undefined;
  const valid = entries.filter((entry): entry is [string, StoredType] => isBlockType(entry[1]));
  return valid.length === entries.length ? new Map(valid) : 'names a packed type that is not known';
}

/** The shape of the values in rows of bytes; undefined where these are no whole blocks. */
export function unpackedShape(shape: readonly number[], type: StoredType): number[] | undefined {
  const [rows, rowBytes] = shape;
  const columns = storedValues(rowBytes ?? 0, type);
  return shape.length === 2 && columns > 0 && Number.isInteger(columns) ? [rows!, columns] : undefined;
}
