/** Commands by their ids. Pure: types only. */

/**
 * Each feature that has commands exports a function that makes its table. The function may use its host only when a
 * command runs: a test makes the tables without one.
 */
export type CommandTable = Readonly<Record<`airgap.${string}`, (...args: unknown[]) => unknown>>;
