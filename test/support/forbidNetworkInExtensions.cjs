/**
 * Loaded before VS Code's server (NODE_OPTIONS): has its extension hosts load forbidNetwork.cjs. The server itself keeps
 * its network, and strips NODE_OPTIONS from what it starts.
 */
const childProcess = require('node:child_process');
const { join } = require('node:path');

const { fork } = childProcess;
childProcess.fork = (module, args, options) => {
  const execArgv = [...(options?.execArgv ?? [])];
  if (args?.includes('--type=extensionHost')) execArgv.push('--require', join(__dirname, 'forbidNetwork.cjs'));
  return fork(module, args, { ...options, execArgv });
};
