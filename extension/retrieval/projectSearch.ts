/** Search in the project, as other features see it. Pure: types only. */

/** A part of the project that a search found. */
export interface Hit {
  readonly uri: string;
  /** Path in the workspace. */
  readonly path: string;
  /** First and last line of the part, counted from 1. */
  readonly firstLine: number;
  readonly lastLine: number;
  readonly text: string;
  /** Name of the declaration that the part holds; empty for text without names. */
  readonly symbol: string;
  readonly score: number;
}

export interface ProjectSearch {
  /**
   * Returns the best hits first. Waits until the index is ready; rejects with an Error of one sentence where there is
   * no index.
   */
  search(query: string, options: { limit: number; signal: AbortSignal }): Promise<Hit[]>;
  /** Says in a few words what a search would wait for; empty where it would not wait. */
  readonly status: string;
  readonly onDidChangeStatus: (listener: () => void) => { dispose(): void };
}
