/** This thread's own part of the step's scratch memory. (Globals of an instance are not shared between threads.) */
export let scratch: usize = 0;

export function setScratch(address: usize): void {
  scratch = address;
}
