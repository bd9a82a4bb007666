/** This thread's part of the step's scratch memory. (Threads do not share the globals of an instance.) */
export let scratch: usize = 0;

export function setScratch(address: usize): void {
  scratch = address;
}
