import { ADDRESS_SPACE, type Budget, Heap, freeMemory } from './heap.ts';
import { instantiate, type KernelExports } from './kernels.ts';
import type { Storage } from './tensor.ts';

/** One memory and the kernels on it. */
export interface Bank {
  readonly index: number;
  readonly heap: Heap;
  readonly kernels: KernelExports;
}

export interface BankOptions {
  /** Limit of all banks together. */
  readonly maxBytes?: number | undefined;
  /** Limit of a bank, 4 GiB where absent. */
  readonly bankBytes?: number | undefined;
  /** A bank that holds weights takes no further layer beyond this. */
  readonly bankWeightBytes?: number | undefined;
}

/** Enough memories for any model; each reserves addresses only. */
export const MOST_BANKS = 32;
/** The rest of a bank is for the KV pages of its layers: phi-3-mini's find room for 128K tokens in int8. */
const BANK_WEIGHT_BYTES = 2 ** 28;

/**
 * The memories of a backend, made as they are needed: a 32-bit memory holds 4 GiB, a model may need more. What belongs
 * to one decoder layer (weights, KV pages) lies in one bank, so that a step changes banks only between layers; what
 * belongs to none (embedding, head) counts as one more layer.
 */
export class Banks {
  readonly all: Bank[] = [];
  /** Bank and weights of each layer that has any. */
  readonly #layers = new Map<number | undefined, { bank: Bank; bytes: number }>();
  readonly #weights: number[] = [];
  readonly #budget: Budget;

  /** `added` is told of every bank but the first. */
  readonly #module: WebAssembly.Module;
  readonly #options: BankOptions;
  readonly #added: (memory: WebAssembly.Memory) => void;

  constructor(
    module: WebAssembly.Module,
    options: BankOptions = {},
    added: (memory: WebAssembly.Memory) => void = () => {},
  ) {
    this.#module = module;
    this.#options = options;
    this.#added = added;

    this.#budget = { limit: options.maxBytes ?? MOST_BANKS * ADDRESS_SPACE, taken: 0 };
    this.#add();
  }

  at(index: number): Bank {
    return this.all[index]!;
  }

  get bytesHeld(): number {
    return this.all.reduce((sum, { heap }) => sum + heap.bytesHeld, 0);
  }

  /** Bytes that the limits and the machine still allow. A bank may be full before that. */
  get bytesFree(): number {
    return Math.min(freeMemory(), this.#budget.limit - this.#budget.taken);
  }

  /** The bank of a layer's KV pages: that of its weights, or the first bank while it has none. */
  ofLayer(layer: number): Bank {
    return this.#layers.get(layer)?.bank ?? this.at(0);
  }

  /** A place for a weight. Throws OutOfMemory; then no place is taken. */
  hold(bytes: number, layer: number | undefined): Storage {
    const bank = this.#choose(bytes, layer);
    const address = bank.heap.allocate(bytes);
    this.#weights[bank.index]! += bytes;
    this.#layers.set(layer, { bank, bytes: (this.#layers.get(layer)?.bytes ?? 0) + bytes });
    return { bytes, address, bank: bank.index, layer };
  }

  /** Ends what `hold` returned. */
  release({ bank, address, bytes, layer }: Storage): void {
    this.at(bank!).heap.release(address);
    this.#weights[bank!]! -= bytes;
    const rest = this.#layers.get(layer)!;
    rest.bytes -= bytes;
    if (rest.bytes === 0) this.#layers.delete(layer);
  }

  #choose(bytes: number, layer: number | undefined): Bank {
    const { bankWeightBytes = BANK_WEIGHT_BYTES } = this.#options;
    const fits = (bank: Bank, limit: number) => {
      const weights = this.#weights[bank.index]!;
      return weights === 0 || weights + bytes <= limit;
    };
    const known = this.#layers.get(layer)?.bank;
    // More than half a bank only where layers come so intermingled that none was seen to be large.
    if (known && fits(known, known.heap.limit / 2)) return known;
    const roomy = this.all.find((bank) => fits(bank, bankWeightBytes));
    if (roomy) return roomy;
    if (this.all.length < MOST_BANKS) return this.#add();
    return this.all.reduce((a, b) => (this.#weights[b.index]! < this.#weights[a.index]! ? b : a));
  }

  #add(): Bank {
    const heap = new Heap(Math.min(this.#options.bankBytes ?? ADDRESS_SPACE, this.#budget.limit), this.#budget);
    const bank = { index: this.all.length, heap, kernels: instantiate(this.#module, heap.memory) };
    if (bank.index > 0) this.#added(heap.memory);
    this.all.push(bank);
    this.#weights.push(0);
    return bank;
  }
}
