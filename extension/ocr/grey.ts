/** A picture of one channel: width x height values, row by row. In pictures of text, 0 is ink and 255 is paper. */
export interface Grey {
  readonly width: number;
  readonly height: number;
  readonly values: Uint8Array;
}
