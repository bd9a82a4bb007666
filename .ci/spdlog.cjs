/**
 * Stands in for VS Code's native logger `@vscode/spdlog`, which code-server compiles during its installation and we do
 * not: without a logger, log files and output channels stay empty. Lines are written at once and files never rotate.
 */
const { appendFileSync, mkdirSync } = require('node:fs');
const { dirname } = require('node:path');

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'critical'];

class Logger {
  /**
   * @param {string} _type
   * @param {string} _name
   * @param {string} path
   */
  constructor(_type, _name, path) {
    mkdirSync(dirname(path), { recursive: true });
    this.path = path;
    this.level = LEVELS.indexOf('info');
    this.formatted = true;
    for (const level of LEVELS) {
      Object.assign(this, { [level]: (/** @type {string} */ message) => this.write(level, message) });
    }
  }

  /**
   * @param {string} level
   * @param {string} message
   */
  write(level, message) {
    if (LEVELS.indexOf(level) < this.level) return;
    appendFileSync(this.path, this.formatted ? `${new Date().toISOString()} [${level}] ${message}\n` : message);
  }

  getLevel() {
    return this.level;
  }

  /** @param {number} level */
  setLevel(level) {
    this.level = level;
  }

  clearFormatters() {
    this.formatted = false;
  }

  setPattern() {}
  flush() {}
  drop() {}
}

exports.version = 1;
exports.setLevel = () => {};
exports.setFlushOn = () => {};
exports.shutdown = () => {};
exports.Logger = Logger;
/** @type {(name: string, path: string) => Promise<Logger>} */
exports.createRotatingLogger = async (name, path) => new Logger('rotating', name, path);
exports.createAsyncRotatingLogger = exports.createRotatingLogger;
