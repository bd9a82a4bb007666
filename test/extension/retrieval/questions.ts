/**
 * Questions over a frozen sample project, and where their answers are. They were written before any ranking existed. Every
 * second question of a kind is held out: nothing was ever tuned on those. An answer is `file#text`: the declaration or
 * statement that starts with the first line that holds the text. A chunk that has a part of it counts as a hit, and so does
 * each of several answers.
 */
export type Kind = 'where' | 'name' | 'failure' | 'how';

export interface Question {
  readonly kind: Kind;
  readonly text: string;
  readonly answers: readonly string[];
  readonly heldOut: boolean;
}

/** Folders of packages that package-lock.json pins, laid beside each other as one project. */
export const SAMPLE: readonly { name: string; version: string; folders: readonly string[] }[] = [
  { name: 'mocha', version: '11.8.0', folders: ['lib'] },
  { name: 'commander', version: '14.0.3', folders: ['lib'] },
  { name: 'preact', version: '11.2.0', folders: ['src', 'hooks/src', 'compat/src'] },
  { name: 'dompurify', version: '3.4.18', folders: ['src'] },
  { name: 'picomatch', version: '4.0.7', folders: ['lib'] },
  { name: 'ignore', version: '7.0.16', folders: ['.'] },
  { name: 'diff', version: '9.0.0', folders: ['libesm'] },
  { name: 'eslint', version: '10.15.0', folders: ['lib'] },
  { name: 'vscode-jsonrpc', version: '10.0.0', folders: ['lib/common', 'lib/node'] },
];

const rows: Record<Kind, readonly [text: string, ...answers: string[]][]> = {
  where: [
    [
      'Where are command line arguments split into options and operands?',
      'commander/lib/command.js#  parseOptions(args) {',
    ],
    [
      'Where is the user told that a mistyped option resembles another one?',
      'commander/lib/command.js#  unknownOption(flag) {',
      'commander/lib/suggestSimilar.js#function suggestSimilar(',
    ],
    ['Where are option values taken from environment variables?', 'commander/lib/command.js#  _parseOptionsEnv() {'],
    [
      'Where is a subcommand started as a separate process?',
      'commander/lib/command.js#  _executeSubCommand(subcommand, args) {',
    ],
    [
      'Where is long help text wrapped to the width of the terminal?',
      'commander/lib/help.js#  boxWrap(str, width) {',
      'commander/lib/help.js#  formatItem(term',
    ],
    [
      'Where does mocha look for its configuration file in parent folders?',
      'mocha/lib/cli/config.js#exports.findConfig =',
    ],
    [
      'Where are the spec files collected from the globs given on the command line?',
      'mocha/lib/cli/lookup-files.js#module.exports = function lookupFiles(',
      'mocha/lib/cli/collect-files.js#module.exports = ({',
    ],
    ['Where is a test run again after it has failed?', 'mocha/lib/runner.js#if (retry < test.retries()) {'],
    [
      'Where are leaked global variables detected?',
      'mocha/lib/runner.js#Runner.prototype.checkGlobals =',
      'mocha/lib/runner.js#function filterLeaks(',
    ],
    [
      'Where are the tests started again when a watched file changes?',
      'mocha/lib/cli/watch-run.js#const createRerunner =',
      'mocha/lib/cli/watch-run.js#exports.watchRun =',
    ],
    ['Where are event listeners attached to DOM elements?', 'preact/src/diff/props.js#export function setProperty('],
    [
      'Where are children matched by key between two renders?',
      'preact/src/diff/children.js#function findMatchingIndex(',
      'preact/src/diff/children.js#function constructNewChildrenArray(',
    ],
    [
      'Where are components rendered again after their state was set?',
      'preact/src/component.js#function process() {',
      'preact/src/component.js#export function enqueueRender(',
      'preact/src/component.js#function renderComponent(',
    ],
    [
      'Where are effects run after the browser has painted?',
      'preact/hooks/src/index.js#function flushAfterPaintEffects(',
      'preact/hooks/src/index.js#function afterPaint(',
      'preact/hooks/src/index.js#function afterNextFrame(',
    ],
    [
      'Where are forbidden attributes removed from untrusted HTML?',
      'dompurify/src/purify.ts#const _sanitizeAttributes =',
      'dompurify/src/purify.ts#const _isValidAttribute =',
      'dompurify/src/purify.ts#const _removeAttribute =',
    ],
    ['Where is the list of allowed HTML tags?', 'dompurify/src/tags.ts#export const html ='],
    [
      'Where is a glob turned into a regular expression?',
      'picomatch/lib/picomatch.js#picomatch.makeRe =',
      'picomatch/lib/picomatch.js#picomatch.compileRe =',
      'picomatch/lib/picomatch.js#picomatch.toRegex =',
    ],
    ['Where are ranges in braces like {1..5} expanded?', 'picomatch/lib/parse.js#const expandRange ='],
    [
      'Where is one line of a .gitignore file made into a rule?',
      'ignore/index.js#const createRule = (',
      'ignore/index.js#class IgnoreRule',
    ],
    [
      'Where is a patch applied to a text although its line numbers have shifted?',
      'diff/libesm/patch/apply.js#function applyStructuredPatch(',
      'diff/libesm/util/distance-iterator.js#export default function',
    ],
    [
      'Where are the Windows line endings of a patch converted?',
      'diff/libesm/patch/line-endings.js#export function winToUnix(',
      'diff/libesm/patch/line-endings.js#export function unixToWin(',
    ],
    [
      'Where is the Content-Length header of an incoming message parsed?',
      'vscode-jsonrpc/lib/common/messageBuffer.js#    tryReadHeaders(',
      'vscode-jsonrpc/lib/common/messageReader.js#    onData(data) {',
    ],
    [
      'Where are eslint-disable comments applied to the found problems?',
      'eslint/lib/linter/apply-disable-directives.js#function applyDirectives(options) {',
      'eslint/lib/linter/apply-disable-directives.js#module.exports =',
    ],
    [
      'Where are automatic fixes put into the source text?',
      'eslint/lib/linter/source-code-fixer.js#SourceCodeFixer.applyFixes =',
    ],
    [
      'Where is a config file loaded that is written in TypeScript?',
      'eslint/lib/config/config-loader.js#async function loadTypeScriptConfigFileWithJiti(',
      'eslint/lib/config/config-loader.js#async function loadConfigFile(',
    ],
    [
      'Where is decided whether a cached result of a file is still usable?',
      'eslint/lib/cli-engine/lint-result-cache.js#	getCachedLintResults(',
      'eslint/lib/cli-engine/lint-result-cache.js#	getValidCachedLintResults(',
    ],
  ],
  name: [
    ['What does findMatchingIndex do?', 'preact/src/diff/children.js#function findMatchingIndex('],
    ['Explain Runnable.prototype.run', 'mocha/lib/runnable.js#Runnable.prototype.run ='],
    ['What is mergeFixes for?', 'eslint/lib/linter/file-report.js#function mergeFixes('],
    ['How does optsWithGlobals work?', 'commander/lib/command.js#  optsWithGlobals() {'],
    ['What does _isClobbered check?', 'dompurify/src/purify.ts#const _isClobbered ='],
    ['What does createHookSkipError return?', 'mocha/lib/runner.js#function createHookSkipError('],
    ['Show me useImperativeHandle', 'preact/hooks/src/index.js#export function useImperativeHandle('],
    ['What is the class LinkedMap used for?', 'vscode-jsonrpc/lib/common/linkedMap.js#class LinkedMap {'],
    ['How does longestCommonPrefix work?', 'diff/libesm/util/string.js#export function longestCommonPrefix('],
    ['What does nameFromFilename do?', 'commander/lib/command.js#  nameFromFilename(filename) {'],
    ['Explain getHookState to me', 'preact/hooks/src/index.js#function getHookState('],
    ['What does breakCircularDeps do with its input?', 'mocha/lib/utils.js#exports.breakCircularDeps ='],
    ['Where is makeOptionMandatory defined?', 'commander/lib/option.js#  makeOptionMandatory(mandatory'],
    ['What does the Semaphore limit?', 'vscode-jsonrpc/lib/common/semaphore.js#class Semaphore {'],
    ['When is throwRuleNotFoundError called?', 'eslint/lib/config/config.js#function throwRuleNotFoundError('],
    ['What does unparseNodeFlags give back?', 'mocha/lib/cli/node-flags.js#exports.unparseNodeFlags ='],
    ['What does isBoolean of an Option say?', 'commander/lib/option.js#  isBoolean() {'],
    ['What does getDomSibling return?', 'preact/src/component.js#export function getDomSibling('],
    ['Tell me about trySimpleParseSelector', 'eslint/lib/linter/esquery.js#function trySimpleParseSelector('],
    ['What does maximumOverlap compute?', 'diff/libesm/util/string.js#export function maximumOverlap('],
    [
      'What does the rule use-isnan report?',
      'eslint/lib/rules/use-isnan.js#	create(context) {',
      'eslint/lib/rules/use-isnan.js#	meta: {',
    ],
    ['What is the AbstractMessageReader?', 'vscode-jsonrpc/lib/common/messageReader.js#class AbstractMessageReader {'],
  ],
  failure: [
    ['Who complains when done() is called several times?', 'mocha/lib/errors.js#function createMultipleDoneError('],
    [
      'Why does a test fail with "Timeout of 2000ms exceeded"?',
      'mocha/lib/runnable.js#Runnable.prototype._timeoutError =',
      'mocha/lib/runnable.js#Runnable.prototype.resetTimeout =',
    ],
    ['Which error is shown for too many arguments?', 'commander/lib/command.js#  _excessArguments(receivedArgs) {'],
    [
      'What happens when a required option was not given?',
      'commander/lib/command.js#  missingMandatoryOptionValue(option) {',
      'commander/lib/command.js#  _checkForMissingMandatoryOptions() {',
    ],
    [
      'What is raised when no test files are found for a pattern?',
      'mocha/lib/errors.js#function createNoFilesMatchPatternError(',
      'mocha/lib/cli/run-helpers.js#const handleUnmatchedFiles =',
      'mocha/lib/cli/lookup-files.js#module.exports = function lookupFiles(',
    ],
    [
      'What if .only is used although it is forbidden?',
      'mocha/lib/errors.js#function createForbiddenExclusivityError(',
    ],
    [
      'What is the error when two options exclude each other?',
      'commander/lib/command.js#  _conflictingOption(option, conflictingOption) {',
      'commander/lib/command.js#  _checkForConflictingLocalOptions() {',
    ],
    [
      'What is thrown for an unknown reporter?',
      'mocha/lib/errors.js#function createInvalidReporterError(',
      'mocha/lib/mocha.js#Mocha.prototype.reporter =',
    ],
    [
      'An exception is thrown while a component renders: who catches it?',
      'preact/src/diff/catch-error.js#export function _catchError(',
      'preact/hooks/src/index.js#export function useErrorBoundary(',
    ],
    [
      'What happens to a call on a connection that is closed already?',
      'vscode-jsonrpc/lib/common/connection.js#    function throwIfClosedOrDisposed() {',
      'vscode-jsonrpc/lib/common/connection.js#    function closeHandler() {',
    ],
    [
      'A rule in the configuration does not exist: what is reported?',
      'eslint/lib/config/config.js#function throwRuleNotFoundError(',
      'eslint/lib/linter/file-report.js#function createMissingRuleMessage(',
    ],
    [
      'Which error tells that all files of a pattern are ignored?',
      'eslint/lib/eslint/eslint-helpers.js#class AllFilesIgnoredError',
    ],
    ['Why is an absolute path refused: "path should be a relative string"?', 'ignore/index.js#const checkPath ='],
    [
      'What if the number of lines in a hunk does not match its header?',
      'diff/libesm/patch/parse.js#Added line count did not match',
    ],
    [
      'What if the executable of a subcommand does not exist?',
      'commander/lib/command.js#  _checkForMissingExecutable(',
    ],
    [
      'How is an argument refused that is not among the allowed choices?',
      'commander/lib/option.js#  choices(values) {',
      'commander/lib/argument.js#  choices(values) {',
    ],
    [
      'What if a rule reports a problem without node or location?',
      'eslint/lib/linter/file-report.js#function assertValidNodeInfo(',
    ],
    [
      'Who warns that fixes undo each other in circles?',
      'eslint/lib/services/warning-service.js#	emitCircularFixesWarning(',
      'eslint/lib/linter/linter.js#	verifyAndFix(',
    ],
    [
      'What is answered to a request for which there is no handler?',
      'vscode-jsonrpc/lib/common/connection.js#`Unhandled method',
    ],
    ['Which message does an invalid value for concurrency cause?', 'eslint/lib/cli.js#function validateConcurrency('],
  ],
  how: [
    [
      'How is an option with an equals sign such as --port=80 handled?',
      "commander/lib/command.js#const index = arg.indexOf('=');",
    ],
    ['How does hydration of markup rendered by the server begin?', 'preact/src/render.js#export function hydrate('],
    [
      'How does mocha run test files in several processes?',
      'mocha/lib/nodejs/parallel-buffered-runner.js#class ParallelBufferedRunner',
      'mocha/lib/nodejs/buffered-worker-pool.js#class BufferedWorkerPool',
    ],
    [
      'How does a context hand its value to components far below?',
      'preact/src/create-context.js#export function createContext(',
    ],
    [
      'How are two texts compared word by word?',
      'diff/libesm/diff/word.js#export function diffWords(',
      'diff/libesm/diff/word.js#class WordDiff',
    ],
    [
      'How is the shortest edit script between two sequences found?',
      'diff/libesm/diff/base.js#    diffWithOptionsObj(',
      'diff/libesm/diff/base.js#const execEditLength =',
    ],
    [
      'How are results written as XML for a build server?',
      'mocha/lib/reporters/xunit.js#function XUnit(',
      'mocha/lib/reporters/xunit.js#XUnit.prototype.test =',
    ],
    [
      'How is a fallback shown while a child is suspended?',
      'preact/compat/src/suspense.js#	Suspense.prototype._childDidSuspend =',
      'preact/compat/src/suspense.js#	Suspense.prototype.render =',
    ],
    [
      'How is the other side told that a request was cancelled?',
      'vscode-jsonrpc/lib/common/connection.js#            function sendCancellation(',
      'vscode-jsonrpc/lib/common/connection.js#        sendCancellation(conn, id) {',
    ],
    [
      'How is the indentation of code checked?',
      'eslint/lib/rules/indent.js#	create(context) {',
      'eslint/lib/rules/indent.js#	meta: {',
      'eslint/lib/rules/indent-legacy.js#	meta: {',
    ],
    [
      'How are variables found that are never used?',
      'eslint/lib/rules/no-unused-vars.js#	create(context) {',
      'eslint/lib/rules/no-unused-vars.js#	meta: {',
      'eslint/lib/rules/no-unused-vars.js#collectUnusedVariables(',
    ],
    ['How does memo avoid rendering when the props are equal?', 'preact/compat/src/memo.js#export function memo('],
    [
      'How is the time that each rule takes measured and printed?',
      'eslint/lib/linter/timing.js#function display(data) {',
      'eslint/lib/linter/timing.js#module.exports =',
    ],
    [
      'How does the linter walk over the syntax tree?',
      'eslint/lib/linter/source-code-traverser.js#	traverseSync(',
      'eslint/lib/linter/source-code-traverser.js#class SourceCodeTraverser',
      'eslint/lib/shared/traverser.js#class Traverser',
    ],
    [
      'How is the memory of finished tests released?',
      'mocha/lib/suite.js#Suite.prototype.cleanReferences =',
      'mocha/lib/mocha.js#Mocha.prototype.cleanReferencesAfterRun =',
    ],
    ['How does a style object become CSS of an element?', 'preact/src/diff/props.js#function setStyle('],
    [
      'How is the difference between actual and expected printed in the terminal?',
      'mocha/lib/reporters/base.js#var generateDiff =',
      'mocha/lib/reporters/base.js#function inlineDiff(',
      'mocha/lib/reporters/base.js#function unifiedDiff(',
    ],
    [
      'How are mustache expressions like {{ }} stripped from text?',
      'dompurify/src/purify.ts#const _stripTemplateExpressions =',
      'dompurify/src/purify.ts#const _scrubTemplateExpressions =',
    ],
    [
      'How is the width of a text with colour codes counted?',
      'commander/lib/help.js#  displayWidth(str) {',
      'commander/lib/help.js#function stripColor(str) {',
    ],
    [
      'How is the rainbow behind the cat drawn?',
      'mocha/lib/reporters/nyan.js#NyanCat.prototype.drawRainbow =',
      'mocha/lib/reporters/nyan.js#NyanCat.prototype.appendRainbow =',
      'mocha/lib/reporters/nyan.js#NyanCat.prototype.rainbowify =',
    ],
    [
      'How are violations that are to be tolerated kept in a file?',
      'eslint/lib/services/suppressions-service.js#	save(suppressions) {',
      'eslint/lib/services/suppressions-service.js#class SuppressionsService',
    ],
    [
      'How does the least recently used cache drop its oldest entries?',
      'vscode-jsonrpc/lib/common/linkedMap.js#    checkTrim() {',
      'vscode-jsonrpc/lib/common/linkedMap.js#    trimOld(newSize) {',
      'vscode-jsonrpc/lib/common/linkedMap.js#class LRUCache',
    ],
  ],
};

export const QUESTIONS: readonly Question[] = (Object.keys(rows) as Kind[]).flatMap((kind) =>
  rows[kind].map(([text, ...answers], index) => ({ kind, text, answers, heldOut: index % 2 === 1 })),
);
