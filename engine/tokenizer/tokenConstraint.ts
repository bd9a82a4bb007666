/** Restricts the first tokens of a generation, as token healing does. */
export interface TokenConstraint {
  /** False as soon as every token is allowed again. */
  readonly active: boolean;
  allows(id: number): boolean;
  /** Called with each token that was chosen. */
  accept(id: number): void;
}
