/** Turns a picture of any kind that the browser knows into a PNG file of opaque pixels. */
import { count, t } from '../texts.ts';
import { KIND_BYTES, isMarkup, pictureKind } from './kinds.ts';
import { type Size, MOST_DECODED_PIXELS, keptSize } from './size.ts';

/** The host sends no larger files either. */
const MOST_FILE_BYTES = 64 * 2 ** 20;

export interface DecodedPicture extends Size {
  readonly png: Blob;
  /** The file's own size, if it had more pixels than are kept. */
  readonly reducedFrom?: Size;
}

/**
 * Rotates as EXIF says, converts colours to sRGB, takes the first frame, and lays what is transparent over white. Memory:
 * the file's pixels while it is decoded, and then two copies of those that are kept, at four bytes each. Rejects with a
 * sentence.
 */
export async function decodePicture(file: Blob, name: string): Promise<DecodedPicture> {
  if (file.size > MOST_FILE_BYTES) {
    throw new Error(t('{0} is larger than {1} MB, which is too large for a picture.', name, MOST_FILE_BYTES / 2 ** 20));
  }
  const start = new Uint8Array(await file.slice(0, KIND_BYTES).arrayBuffer());
  const type = pictureKind(start);
  if (!type) throw new Error(isMarkup(start) ? drawing(name) : unknown(name));
  const typed = file.slice(0, file.size, type);
  const size = await sizeOf(typed).catch(() => Promise.reject(broken(name)));
  if (size.width * size.height > MOST_DECODED_PIXELS) throw tooManyPixels(name, size);
  const kept = keptSize(size);
  const png = await encode(typed, size, kept).catch(() => Promise.reject(broken(name)));
  return { png, ...kept, ...(kept.width === size.width && kept.height === size.height ? {} : { reducedFrom: size }) };
}

/** Reads the header only; the browser decodes the pixels of an image when it draws them. */
async function sizeOf(file: Blob): Promise<Size> {
  const address = URL.createObjectURL(file);
  try {
    const image = new Image();
    await new Promise((resolve, reject) => {
      image.onload = resolve;
      image.onerror = reject;
      image.src = address;
    });
    const { naturalWidth: width, naturalHeight: height } = image;
    if (width === 0 || height === 0) throw new Error('The file has no pixels.');
    return { width, height };
  } finally {
    URL.revokeObjectURL(address);
  }
}

async function encode(file: Blob, size: Size, kept: Size): Promise<Blob> {
  const options: ImageBitmapOptions = { imageOrientation: 'from-image' };
  if (kept.width !== size.width || kept.height !== size.height) {
    Object.assign(options, { resizeWidth: kept.width, resizeHeight: kept.height, resizeQuality: 'high' });
  }
  const bitmap = await createImageBitmap(file, options);
  try {
    const canvas = new OffscreenCanvas(kept.width, kept.height);
    // Without a graphics card, as the pixels are read back at once.
    const context = canvas.getContext('2d', { alpha: false, willReadFrequently: true })!;
    context.fillStyle = 'white';
    context.fillRect(0, 0, kept.width, kept.height);
    context.drawImage(bitmap, 0, 0);
    return await canvas.convertToBlob({ type: 'image/png' });
  } finally {
    bitmap.close();
  }
}

const drawing = (name: string): string =>
  t('{0} is a drawing or a text, not a picture of pixels. Save it as PNG, or take a screenshot.', name);
const unknown = (name: string): string =>
  t('{0} is not a picture that can be shown: PNG, JPEG, WebP, GIF, BMP and AVIF can.', name);
const broken = (name: string): Error => new Error(t('{0} is damaged and cannot be shown.', name));
const tooManyPixels = (name: string, { width, height }: Size): Error =>
  new Error(t('{0} has {1} × {2} pixels, which is too large. Reduce it first.', name, count(width), count(height)));
