// Preload that stands in for Electron's V8 memory cage: memory that native code owns cannot become an ArrayBuffer, so
// Dawn finds adapters and computes, but mapped results cannot be read.
const { dlopen } = process;
process.dlopen = function (module, ...rest) {
  dlopen.call(this, module, ...rest);
  const buffer = module.exports.globals?.GPUBuffer;
  if (!buffer) return;
  buffer.prototype.getMappedRange = () => {
    throw new Error('External buffers are not allowed');
  };
};
